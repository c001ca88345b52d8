"""Models that are a sum of terms: linear models and table models.

The contributions of such a model are exact. A term of one field is that field's; a term of two is
shared between them by the Shapley rule: each gets the mean of what it adds when it comes first and
when it comes last, a field that has not come yet being as it is in the reference rows. What a
field gets is measured against what it gets on average over those rows, so that the contributions
add up to the log-odds less the mean log-odds of the reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, cycle, islice
from typing import Any, TypeGuard

import numpy as np

from morosidad.compiler.batch import Batch
from morosidad.compiler.code import Code
from morosidad.compiler.expressions import Expr, Fill, Floats, Raw, fields_of, walk
from morosidad.compiler.form import NOTHING, OnLogOdds
from morosidad.compiler.lookups import Grid, Interval, Lookup, Position, look_up
from morosidad.compiler.parity import Row
from morosidad.schema import Schema

MAX_EDGES = 500
"""So many edges of each field are tried by the parity gate at most, evenly over all."""


class Additive(OnLogOdds, frozen=True, eq=False):
    """``sigmoid(intercept + sum of terms)``.

    Attributes
    ----------
    intercept : float
        On the log-odds scale, as the terms are.
    terms : tuple of Expr
        Each depends on one field, or is a `Grid` of two.
    n_fields : int
        Fields of the schema.
    """

    intercept: float
    terms: tuple[Expr, ...]
    n_fields: int

    def emit_log_odds(self, code: Code) -> str:
        return self._emit_sum(code, self._emit_terms(code, [_columns(term) for term in self.terms]))

    def emit_log_odds_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        means, rest = reference[: self.n_fields].copy(), reference[self.n_fields :]
        columns: list[list[Column]] = []
        for term in self.terms:
            columns.append(_columns(term))
            if _is_pair(term):
                ends = np.cumsum([term.first.size, term.second.size, 1])
                of_first, of_second, mean, rest = np.split(rest, ends)
                columns[-1] += [
                    (term.first, (of_first / 2.0).tolist()),
                    (term.second, (of_second / 2.0).tolist()),
                ]
                means[list(fields_of(term))] += mean / 2.0
        written = self._emit_terms(code, columns)
        shares: list[list[str]] = [[] for _ in range(self.n_fields)]
        for term, (value, *found) in zip(self.terms, written, strict=True):
            if _is_pair(term):
                more = code.assign(" - ".join(found))
                shares[min(fields_of(term.first))].append(f"{value} + {more}")
                shares[min(fields_of(term.second))].append(f"{value} - {more}")
            else:
                for field in fields_of(term):
                    shares[field].append(value)
        return self._emit_sum(code, written), [
            f"{code.total(share)} - {code.constant(mean)}" if share else NOTHING
            for share, mean in zip(shares, means.tolist(), strict=True)
        ]

    def _emit_terms(self, code: Code, columns: Sequence[Sequence[Column]]) -> list[list[str]]:
        """Write all terms: for each its value's name, of a pair half of it, and those of more columns."""
        found = iter(look_up(code, list(chain.from_iterable(columns))))
        names = [list(islice(found, len(asked))) for asked in columns]
        written: list[list[str]] = []
        for term, places in zip(self.terms, names, strict=True):
            if _is_pair(term):
                halves = code.constant((term.cells.values / 2.0).tolist())
                value = code.assign(f"{halves}[{places[0]}][{places[1]}]")
                written.append([value, *places[2:]])
            else:
                written.append(places or [code.value(term)])
        return written

    def _emit_sum(self, code: Code, written: Sequence[Sequence[str]]) -> str:
        terms = list(zip(self.terms, written, strict=True))
        own = [value for term, (value, *_) in terms if not _is_pair(term)]
        halves = [value for term, (value, *_) in terms if _is_pair(term)]
        z = code.total([code.constant(self.intercept), *own])
        return code.assign(f"{z} + 2.0 * ({code.total(halves)})") if halves else z

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterator[Row]:
        turns = cycle(bases)
        for place, edges in self._edges().items():
            whole = schema.fields[place].kind != "number"
            for edge in sorted(edges)[:: math.ceil(len(edges) / MAX_EDGES)]:
                below = math.ceil(edge) - 1 if whole else math.nextafter(edge, -math.inf)
                for value in (below, math.ceil(edge) if whole else edge):
                    row = next(turns)
                    yield (*row[:place], value, *row[place + 1 :])

    def _edges(self) -> dict[int, set[float]]:
        """Collect where the tables of each field's number begin another interval."""
        edges: dict[int, set[float]] = {}
        for node in chain.from_iterable(map(walk, self.terms)):
            at = node.at if isinstance(node, Lookup) else node
            if isinstance(at, Interval):
                source = at.of.of if isinstance(at.of, Fill) else at.of
                if isinstance(source, Raw):
                    edges.setdefault(source.field, set()).update(at.edges.values.tolist())
        return edges

    def batch_log_odds(self, batch: Batch) -> Floats:
        z = np.full(len(batch), self.intercept)
        for term in self.terms:
            z += batch.value(term)
        return z

    def reference(self, batch: Batch) -> Floats:
        means = np.zeros(self.n_fields)
        for term in self.terms:
            if not _is_pair(term):
                means[list(fields_of(term))] += batch.value(term).mean()
        return np.concatenate([means, *(_marginals(term, batch) for term in self.terms if _is_pair(term))])


Column = tuple[Position, Sequence[Any]]
"""Where to look, and what to find there."""


def _is_pair(term: Expr) -> TypeGuard[Grid]:
    return isinstance(term, Grid) and len(fields_of(term)) == 2


def _columns(term: Expr) -> list[Column]:
    """Say what has to be looked up for a term: its number, or for a pair the two places."""
    if _is_pair(term):
        return [(term.first, range(term.first.size)), (term.second, range(term.second.size))]
    return [(term.at, term.numbers.tolist())] if isinstance(term, Lookup) else []


def _marginals(term: Grid, batch: Batch) -> Floats:
    """Give what a pair's term is on average for each position of the first, of the second, and at all."""
    cells, n = term.cells.values, len(batch)
    first, second = batch.position(term.first), batch.position(term.second)
    of_first = cells @ (np.bincount(second, minlength=term.second.size) / n)
    of_second = (np.bincount(first, minlength=term.first.size) / n) @ cells
    return np.concatenate([of_first, of_second, [cells[first, second].mean()]])
