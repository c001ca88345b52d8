"""Models that are a sum of terms: linear models and table models.

The contributions of such a model are exact. A term of one field is that field's; a term of two is shared
between them by the Shapley rule: each gets the mean of what it adds when it comes first and when it comes
last, a field that has not come yet being as it is in the reference rows. A term that is computed from
several fields, such as a ratio, is shared equally among them. What a field gets is measured against what it
gets on average over those rows, so that the contributions add up to the log-odds less the mean log-odds of
the reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, cycle

import numpy as np

from morosidad.compiler.backends.choice import table_writer
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.forms.form import OnLogOdds
from morosidad.compiler.nodes.base import Expr, Floats, walk
from morosidad.compiler.nodes.expressions import Fill, Raw
from morosidad.compiler.nodes.lookups import IntervalPosition, Lookup
from morosidad.compiler.nodes.terms import Term, term_of
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

MAX_EDGES = 500
"""So many edges of each field are tried by the parity gate at most, evenly over all."""


class Additive(OnLogOdds, frozen=True, eq=False, dict=True):
    """``sigmoid(intercept + sum of terms)``.

    Attributes
    ----------
    intercept : float
        On the log-odds scale, as the terms are.
    terms : tuple of Expr
        Each depends on one field, is a `Grid` of two, or is computed from several.
    n_fields : int
        Fields of the schema.
    """

    intercept: float
    terms: tuple[Expr, ...]
    n_fields: int

    @cached_property
    def _described(self) -> tuple[Term, ...]:
        return tuple(map(term_of, self.terms))

    def emit_log_odds(self, code: FunctionSource) -> str:
        return self._write(code, self._described, explain=False)[0]

    def emit_log_odds_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        means, rest = reference[: self.n_fields].copy(), reference[self.n_fields :]
        terms: list[Term] = []
        for term in self._described:
            if len(term.at) == 2:
                *more, mean, rest = np.split(rest, np.cumsum([*(at.size for at in term.at), 1]))
                means[list(term.fields)] += mean / 2.0
                term = term._replace(more=tuple(numbers / 2.0 for numbers in more))
            terms.append(term)
        z, shares = self._write(code, terms, explain=True)
        return z, [
            share if share == NO_SHARE else f"{share} - {code.constant(mean)}"
            for share, mean in zip(shares, means.tolist(), strict=True)
        ]

    def _write(self, code: FunctionSource, terms: Sequence[Term], *, explain: bool) -> tuple[str, list[str]]:
        _, write = table_writer(terms)
        return write(code, self.intercept, terms, self.n_fields, explain)

    @property
    def backend(self) -> str:
        return table_writer(self._described)[0]

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterator[Row]:
        from morosidad.compiler.proof.probe_rows import changed

        turns = cycle(bases)
        for place, edges in self._edges().items():
            whole = schema.fields[place].kind != "number"
            for edge in sorted(edges)[:: math.ceil(len(edges) / MAX_EDGES) or 1]:
                below = math.ceil(edge) - 1 if whole else math.nextafter(edge, -math.inf)
                for value in (below, math.ceil(edge) if whole else edge):
                    yield changed(next(turns), place, value)

    def _edges(self) -> dict[int, set[float]]:
        """Collect where the tables of each field's number begin another interval."""
        edges: dict[int, set[float]] = {}
        for node in chain.from_iterable(map(walk, self.terms)):
            at = node.at if isinstance(node, Lookup) else node
            if isinstance(at, IntervalPosition):
                source = at.of.of if isinstance(at.of, Fill) else at.of
                if isinstance(source, Raw):
                    edges.setdefault(source.field, set()).update(at.edges.values.tolist())
        return edges

    @property
    def alike(self) -> bool:
        return all(term.alike for term in self.terms)

    def batch_log_odds(self, batch: ColumnBatch) -> Floats:
        own, halves = np.full(len(batch), self.intercept), np.zeros(len(batch))
        for term in self._described:
            if len(term.at) < 2:
                own += batch.value(term.expr)
            else:
                halves += term.numbers[tuple(map(batch.position, term.at))]
        return own + 2.0 * halves

    def batch_log_odds_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        """Add up in the order of `emit_log_odds_reasons`."""
        shares, means = np.zeros((self.n_fields, len(batch))), reference[: self.n_fields].copy()
        rest = reference[self.n_fields :]
        for term in self._described:
            if len(term.at) < 2:
                part = batch.value(term.expr) / max(1, len(term.fields))
                for field in term.fields:
                    shares[field] += part
                continue
            first, second, mean, rest = np.split(rest, np.cumsum([*(at.size for at in term.at), 1]))
            i, j = map(batch.position, term.at)
            half, more = term.numbers[i, j], (first / 2.0)[i] - (second / 2.0)[j]
            for field, change in zip(term.fields, (more, -more), strict=True):
                shares[field] += half
                shares[field] += change
            means[list(term.fields)] += mean / 2.0
        shares -= means[:, None]
        return self.batch_log_odds(batch), shares

    def reference(self, batch: ColumnBatch) -> Floats:
        means = np.zeros(self.n_fields)
        rest: list[Floats] = []
        for term in self._described:
            if len(term.at) == 2:
                rest.append(_marginals(term, batch))
            else:
                means[list(term.fields)] += batch.value(term.expr).mean() / max(1, len(term.fields))
        return np.concatenate([means, *rest])


def _marginals(term: Term, batch: ColumnBatch) -> Floats:
    """Give what two fields' number is on average for each place of the first, of the second, and at all."""
    cells = 2.0 * term.numbers
    first, second = (batch.position(at) for at in term.at)
    weights = [
        np.bincount(p, minlength=n) / len(batch) for p, n in zip((first, second), cells.shape, strict=True)
    ]
    return np.concatenate([cells @ weights[1], weights[0] @ cells, [cells[first, second].mean()]])
