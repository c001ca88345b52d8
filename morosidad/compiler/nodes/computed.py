"""Nodes of several numbers: arithmetic, comparisons, choices, and functions that may have no value.

Each gives what numpy gives for the same numbers: nothing is raised, a division by zero is infinite,
and a comparison with a missing number is false.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from morosidad.compiler.nodes.base import ColumnEvaluator, Expr, Floats, SourceWriter
from morosidad.compiler.nodes.expressions import Constant, Elementwise, Missing, Raw
from morosidad.compiler.nodes.functions import NamedFunction
from morosidad.compiler.nodes.lookups import Lookup

Operator = Literal[
    "+", "-", "*", "/", "//", "%", "**", "whole //", "whole %", "hypot",
    "<", "<=", ">", ">=", "==", "!=", "and", "or", "xor", "maximum", "minimum", "fmax", "fmin",
]  # fmt: skip


class Binary(Expr, frozen=True):
    """Two numbers made one.

    Attributes
    ----------
    operator : str
        ``whole //`` and ``whole %`` are those of whole numbers in numpy: 0 where the divisor is 0.
    first, second : Expr
        The numbers; those of ``and``, ``or`` and ``xor`` are 0 or 1.
    """

    operator: Operator
    first: Expr
    second: Expr

    @property
    def alike(self) -> bool:
        return False  # whole numbers of a record are multiplied without rounding

    def emit(self, code: SourceWriter) -> str:
        a, b = code.value(self.first), code.value(self.second)
        if self.operator in _COMPARISONS:
            return f"1.0 if {a} {self.operator} {b} else 0.0"
        if self.operator in ("and", "or"):
            return f"1.0 if {a} {self.operator} {b} else 0.0"
        if self.operator in ("+", "-", "*"):
            return f"{a} {self.operator} {b}"
        if self.operator == "/":
            return f"{a} / {b} if {b} else {code.constant(over_zero)}({a}, {b})"
        return f"{code.constant(_SCALARS[self.operator])}({a}, {b})"

    def batch(self, batch: ColumnEvaluator) -> Floats:
        with np.errstate(all="ignore"):
            found = _ARRAYS[self.operator](batch.value(self.first), batch.value(self.second))
        return np.asarray(found, dtype=np.float64)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        if self.operator in _TRUTHS:
            return False
        return super().may_be_missing(missing) or not finite(self)


class Choice(Expr, frozen=True):
    """One of two numbers: the first where a condition is not 0."""

    condition: Expr
    first: Expr
    second: Expr

    def emit(self, code: SourceWriter) -> str:
        condition = code.value(self.condition)
        return f"{code.value(self.first)} if {condition} else {code.value(self.second)}"

    def batch(self, batch: ColumnEvaluator) -> Floats:
        chosen = batch.value(self.condition) != 0.0
        return np.where(chosen, batch.value(self.first), batch.value(self.second))

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        first, asked = self.first.may_be_missing(missing), self.condition
        if isinstance(asked, Missing) and isinstance(asked.of, Raw):
            missing = missing - {asked.of.field}  # the second stands where the field is given
        return first or self.second.may_be_missing(missing)


class PartialFunction(NamedFunction, frozen=True):
    """A named function that may be asked about numbers that it has no value of."""

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return super().may_be_missing(missing) or self.name not in _TOTAL or not finite(self.of)


class Guaranteed(Elementwise, frozen=True):
    """A number that is there: a record for which it is not has been refused."""

    def emit(self, code: SourceWriter) -> str:
        return code.value(self.of)

    def compute(self, x: Floats) -> Floats:
        return x

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


_TOTAL = ("absolute", "negative", "sign", "floor", "ceil", "rint", "trunc", "round", "tanh", "arctan",
          "arcsinh", "cbrt", "sin", "cos")  # fmt: skip
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_TRUTHS = (*_COMPARISONS, "and", "or", "xor")


def finite(expr: Expr) -> bool:
    """Tell whether a number that is there is finite whatever the record holds, but for overflow.

    Parameters
    ----------
    expr : Expr
        The number.

    Returns
    -------
    bool
    """
    if isinstance(expr, Constant):
        return math.isfinite(expr.value)
    if isinstance(expr, Binary):
        small = expr.operator in (*_TRUTHS, "+", "-", "*", "maximum", "minimum", "fmax", "fmin", "hypot")
        return expr.operator in _TRUTHS or (small and finite(expr.first) and finite(expr.second))
    if isinstance(expr, Choice):
        return finite(expr.first) and finite(expr.second)
    if isinstance(expr, Lookup):
        return bool(np.isfinite(expr.numbers[~np.isnan(expr.numbers)]).all())
    if isinstance(expr, NamedFunction):
        return expr.name in _TOTAL and finite(expr.of)
    if expr.dense or isinstance(expr, Guaranteed):
        return True
    if isinstance(expr, Elementwise) and not isinstance(expr, Missing):
        return finite(expr.of)
    return isinstance(expr, (Raw, Missing)) or not expr.parts()


def over_zero(a: float, b: float) -> float:
    """Divide by zero, as numpy does."""
    if a != a or a == 0:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _remainder(a: float, b: float) -> float:
    if b == 0 or math.isinf(a):
        return math.nan
    return a % b


def _whole_remainder(a: float, b: float) -> float:
    return _remainder(a, b) if b else 0.0


def _whole_quotient(a: float, b: float) -> float:
    return _quotient(a, b) if b else 0.0


def _quotient(a: float, b: float) -> float:
    if b == 0:
        return over_zero(a, b)
    if math.isinf(a):
        return math.nan
    return a // b


def _power(a: float, b: float) -> float:
    if b == 2.0:
        return a * a
    with np.errstate(all="ignore"):
        return float(np.power(np.float64(a), np.float64(b)))


def _powers(a: Floats, b: Floats) -> Floats:
    return np.where(b == 2.0, np.square(a), np.power(a, b))


def _quotients(a: Floats, b: Floats) -> Floats:
    # numpy's quotient of infinity is NaN, as Python has none
    return np.where(b == 0, np.true_divide(a, b), np.floor_divide(a, b))


def _maximum(a: float, b: float) -> float:
    return a if a >= b or a != a else b


def _minimum(a: float, b: float) -> float:
    return a if a <= b or a != a else b


def _fmax(a: float, b: float) -> float:
    return a if a >= b or b != b else b


def _fmin(a: float, b: float) -> float:
    return a if a <= b or b != b else b


def _xor(a: float, b: float) -> float:
    return float(bool(a) != bool(b))


_SCALARS: dict[str, Callable[[float, float], float]] = {
    "//": _quotient,
    "%": _remainder,
    "**": _power,
    "whole //": _whole_quotient,
    "whole %": _whole_remainder,
    "maximum": _maximum,
    "minimum": _minimum,
    "fmax": _fmax,
    "fmin": _fmin,
    "xor": _xor,
    "hypot": math.hypot,
}
_ARRAYS: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "//": _quotients,
    "%": np.mod,
    "**": _powers,
    "whole //": lambda a, b: np.where(b == 0, 0.0, np.floor_divide(a, b)),
    "whole %": lambda a, b: np.where(b == 0, 0.0, np.mod(a, b)),
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "hypot": np.hypot,
}
