"""Weighted sums of several models' log-odds, as a mean of models on that scale is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.forms.form import OnLogOdds
from morosidad.compiler.forms.mixtures import Several, split_references
from morosidad.compiler.nodes.base import Floats


class LogOddsSum(Several, OnLogOdds, frozen=True, eq=False):
    """``sigmoid(intercept + sum of weight * log-odds)`` over some models.

    The contributions are the members' own, weighted in the same way: they add up on the log-odds
    scale, each member's against its own reference.

    Attributes
    ----------
    members : tuple of OnLogOdds
        The models.
    weights : tuple of float
        One for each.
    intercept : float
        Added to the sum.
    """

    members: tuple[OnLogOdds, ...]
    intercept: float

    def emit_log_odds(self, code: FunctionSource) -> str:
        return self._emit_sum(code, [member.emit_log_odds(code) for member in self.members])

    def emit_log_odds_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        answers = [
            member.emit_log_odds_reasons(code, part)
            for member, part in zip(self.members, split_references(reference), strict=True)
        ]
        by_field = zip(*(shares for _, shares in answers), strict=True)
        return self._emit_sum(code, [z for z, _ in answers]), [
            self._emit_share(code, shares) for shares in by_field
        ]

    def _emit_sum(self, code: FunctionSource, numbers: Sequence[str]) -> str:
        return code.assign(f"{code.constant(self.intercept)} + {code.total(self._weighted(code, numbers))}")

    def _emit_share(self, code: FunctionSource, shares: Sequence[str]) -> str:
        weighted = self._weighted(code, shares)
        return code.assign(code.total(weighted)) if weighted else NO_SHARE

    def _weighted(self, code: FunctionSource, numbers: Sequence[str]) -> list[str]:
        return [
            f"({number}) * {code.constant(weight)}"
            for number, weight in zip(numbers, self.weights, strict=True)
            if number != NO_SHARE
        ]

    def batch_log_odds(self, batch: ColumnBatch) -> Floats:
        total = np.full(len(batch), self.intercept)
        for member, weight in zip(self.members, self.weights, strict=True):
            total += member.batch_log_odds(batch) * weight
        return total

    def batch_log_odds_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        z, shares = np.full(len(batch), self.intercept), np.zeros(())
        for member, part, weight in zip(self.members, split_references(reference), self.weights, strict=True):
            found, moved = member.batch_log_odds_reasons(batch, part)
            z, shares = z + found * weight, shares + moved * weight
        return z, shares
