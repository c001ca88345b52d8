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
        shares: list[list[str]] = [[] for _ in range(self.n_fields)]
        means, rest = reference[: self.n_fields].copy(), reference[self.n_fields :]
        for term in self.terms:
            value = code.value(term)
            places = sorted(fields_of(term))
            if isinstance(term, Grid) and len(places) == 2:
                ends = np.cumsum([term.first.size, term.second.size, 1])
                of_first, of_second, (mean,), rest = np.split(rest, ends)
                means[places] += mean / 2.0
                more = _emit_more(code, term, of_first, of_second)
                for sign, position in (("+", term.first), ("-", term.second)):
                    shares[min(fields_of(position))].append(f"0.5 * {value} {sign} {more}")
            else:
                for place in places:
                    shares[place].append(value)
        return self.emit_log_odds(code), [
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


def _emit_more(code: Code, term: Grid, of_first: Floats, of_second: Floats) -> str:
    """Write what the first field of a pair gets beyond the half of it, and the second less."""
    first, second = (code.constant((numbers / 2.0).tolist()) for numbers in (of_first, of_second))
    return code.assign(f"{first}[{code.value(term.first)}] - {second}[{code.value(term.second)}]")
