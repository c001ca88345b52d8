"""Conditions over all rows, as a check asks before it raises: ``if X.isna().any().any()``."""

from __future__ import annotations

from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Missing, MissingBetween
from morosidad.compiler.readers.tracing.rules import numbers as rules
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS
from morosidad.compiler.readers.tracing.symbols.values import Traced, columns_of


class OverRows:
    """Whether any row, or each row, holds a condition: one truth, or one for each column.

    A function that asks is recorded where each row of the sample gives the same answer, and where it
    raises if the answer is another one: a record that gives that has none.

    Parameters
    ----------
    of : Traced
        The conditions.
    name : {'any', 'all'}
        Which of the two.
    whole : bool
        Whether one truth is asked of all columns.
    """

    def __init__(self, of: Traced, name: str, *, whole: bool) -> None:
        columns = columns_of(of._trace, of._real)
        if any(column.dtype != np.bool_ for column in columns):
            of._end("takes numbers for conditions")
        self._of, self._name, self._whole = of, name, whole
        self._answer: bool | None = None

    def _again(self, name: str) -> OverRows:
        if name != self._name:
            self._of._end(OTHER_ROWS)
        return OverRows(self._of, name, whole=True)

    def any(self, *_: Any, **__: Any) -> OverRows:
        """Ask of all columns together."""
        return self._again("any")

    def all(self, *_: Any, **__: Any) -> OverRows:
        """Ask of all columns together."""
        return self._again("all")

    def __bool__(self) -> bool:
        if not self._whole:
            self._of._end("takes the conditions of several columns for one")
        return self._answered()

    def __getattr__(self, name: str) -> Any:
        self._of._end(OTHER_ROWS)

    def _answered(self) -> bool:
        if self._answer is None:
            self._answer = self._decided()
        return self._answer

    def _decided(self) -> bool:
        """Give the sample's answer, and demand it of every record; or the other one, where that is tried."""
        trace, usual = self._of._trace, self._name == "all"
        if trace.turns():
            return not usual
        missing = frozenset(i for i, field in enumerate(trace.schema.fields) if not field.required)
        for expr, column in zip(self._of._exprs, columns_of(trace, self._of._real), strict=True):
            if not bool((column == usual).all()):
                trace.end(OTHER_ROWS)
            known = isinstance(expr, Missing) and not usual and not expr.of.may_be_missing(missing)
            if not known:
                trace.demand(_unless(expr, other=float(not usual)))
        return usual


def _unless(expr: Expr, *, other: float) -> Expr:
    """Give a number where a condition is as usual, and none where it is not."""
    return MissingBetween(rules.truth(expr), other, other)
