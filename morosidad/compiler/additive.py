"""Models that are a sum of terms: linear models and table models.

The contributions of such a model are exact. A term of one field is that field's; a term of two is
shared between them by the Shapley rule: each gets the mean of what it adds when it comes first and
when it comes last, a field that has not come yet being as it is in the reference rows. What a
field gets is measured against what it gets on average over those rows, so that the contributions
add up to the log-odds less the mean log-odds of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from morosidad.compiler.batch import Batch
from morosidad.compiler.code import Code
from morosidad.compiler.expressions import Expr, Floats, fields_of
from morosidad.compiler.form import NOTHING, OnLogOdds
from morosidad.compiler.lookups import Grid


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
        names = [code.value(term) for term in self.terms]
        return code.total([code.constant(self.intercept), *names])

    def emit_log_odds_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        parts = [code.constant(self.intercept)]
        shares: list[list[str]] = [[] for _ in range(self.n_fields)]
        means, rest = reference[: self.n_fields], reference[self.n_fields :]
        for term in self.terms:
            fields = fields_of(term)
            if isinstance(term, Grid) and len(fields) == 2:
                n = term.first.size + term.second.size + 1
                cell = _emit_shared(code, term, rest[:n])
                rest = rest[n:]
                parts.append(f"{cell}[0]")
                for place, position in enumerate((term.first, term.second), 1):
                    shares[min(fields_of(position))].append(f"{cell}[{place}]")
            else:
                parts.append(code.value(term))
                for field in fields:
                    shares[field].append(parts[-1])
        return code.total(parts), [
            f"{code.total(share)} - {code.constant(mean)}" if share else NOTHING
            for share, mean in zip(shares, means.tolist(), strict=True)
        ]

    def batch_log_odds(self, batch: Batch) -> Floats:
        z = np.full(len(batch), self.intercept)
        for term in self.terms:
            z += batch.value(term)
        return z

    def reference(self, batch: Batch) -> Floats:
        means = np.zeros(self.n_fields)
        for term in self._own_terms():
            for field in fields_of(term):
                means[field] += term.batch(batch).mean()
        return np.concatenate([means, *(_marginals(term, batch) for term in self._pairs())])

    def _pairs(self) -> Iterator[Grid]:
        return (term for term in self.terms if isinstance(term, Grid) and len(fields_of(term)) == 2)

    def _own_terms(self) -> Iterator[Expr]:
        return (term for term in self.terms if len(fields_of(term)) < 2)


def _marginals(term: Grid, batch: Batch) -> Floats:
    """Give what a pair's term is on average for each position of the first, of the second, and at all."""
    cells, n = term.cells.values, len(batch)
    first, second = batch.position(term.first), batch.position(term.second)
    of_first = cells @ (np.bincount(second, minlength=term.second.size) / n)
    of_second = (np.bincount(first, minlength=term.first.size) / n) @ cells
    return np.concatenate([of_first, of_second, [cells[first, second].mean()]])


def _emit_shared(code: Code, term: Grid, marginals: Floats) -> str:
    """Write the look-up of a pair's number together with the two fields' shares of it."""
    of_first, of_second, mean = np.split(marginals, [term.first.size, -1])
    cells = term.cells.values
    given_first, given_second = of_first[:, None], of_second[None, :]
    first = (given_first - mean + cells - given_second) / 2.0
    second = (given_second - mean + cells - given_first) / 2.0
    triples = [[tuple(cell) for cell in row] for row in np.stack([cells, first, second], axis=2).tolist()]
    return code.assign(f"{code.constant(triples)}[{code.value(term.first)}][{code.value(term.second)}]")
