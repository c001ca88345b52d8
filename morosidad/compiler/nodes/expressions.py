"""Expression nodes: small frozen data that says how a column comes from a record's fields.

Each node is evaluated in two ways: `emit` writes the Python that computes it for one record, `batch`
computes it for many rows with numpy. Both take the operations in scikit-learn's order, so that a
column's numbers are scikit-learn's own, bit for bit.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from morosidad.compiler.nodes.base import ColumnEvaluator, Expr, Floats, Key, SourceWriter, Text, walk


def fields_of(expr: Expr) -> frozenset[int]:
    """Give the fields that an expression depends on, by their place in the schema."""
    return frozenset().union(*(node.own_fields for node in walk(expr)))


def credited_to(expr: Expr) -> frozenset[int]:
    """Give the fields that share an expression's contribution: those that it depends on.

    A gap that other columns fill is that of its own column.
    """
    if expr.credited is not None:
        return credited_to(expr.credited)
    return expr.own_fields.union(*map(credited_to, expr.parts()))


class Raw(Expr, frozen=True):
    """A field's value as it was validated."""

    field: int

    @property
    def own_fields(self) -> frozenset[int]:
        return frozenset((self.field,))

    def emit(self, code: SourceWriter) -> str:
        name = code.field(self.field)
        return name if self.field in code.always else f"nan if {name} is None else {name}"

    def batch(self, batch: ColumnEvaluator) -> Floats:
        return batch.number(self.field)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return self.field in missing


class Constant(Expr, frozen=True):
    """The same number for every record."""

    value: float

    def emit(self, code: SourceWriter) -> str:
        return code.constant(self.value)

    def batch(self, batch: ColumnEvaluator) -> Floats:
        return np.full(len(batch), self.value)


class Elementwise(Expr, frozen=True):
    """A function of another expression's number, and of nothing else."""

    of: Expr

    def compute(self, x: Floats) -> Floats:
        """Compute it for many numbers; a missing one is NaN."""
        raise NotImplementedError

    def batch(self, batch: ColumnEvaluator) -> Floats:
        return self.compute(batch.value(self.of))


class Fill(Elementwise, frozen=True):
    """Another expression, with `value` where it is missing. A category's value may be text."""

    value: Key

    def emit(self, code: SourceWriter) -> str:
        value = code.constant(self.value)
        if isinstance(self.of, Raw):
            name = code.field(self.of.field)
            return name if self.of.field in code.always else f"{value} if {name} is None else {name}"
        name = code.value(self.of)
        if isinstance(self.of, Text):
            return f"{value} if {name} is None else {name}"
        return f"{name} if {name} == {name} else {value}"

    def compute(self, x: Floats) -> Floats:
        return np.where(np.isnan(x), float(self.value), x)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class Missing(Elementwise, frozen=True):
    """1 where another expression is missing, else 0."""

    def emit(self, code: SourceWriter) -> str:
        if isinstance(self.of, Raw):
            return f"1.0 if {code.field(self.of.field)} is None else 0.0"
        name = code.value(self.of)
        if isinstance(self.of, Text):
            return f"1.0 if {name} is None else 0.0"
        return f"0.0 if {name} == {name} else 1.0"

    def compute(self, x: Floats) -> Floats:
        return np.isnan(x).astype(np.float64)

    def batch(self, batch: ColumnEvaluator) -> Floats:
        if isinstance(self.of, Raw):
            return batch.missing(self.of.field).astype(np.float64)
        if isinstance(self.of, Text):
            return (self.of.coded(batch).codes < 0).astype(np.float64)
        return super().batch(batch)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class Arith(Elementwise, frozen=True):
    """An expression and a constant: ``of - value`` and the like."""

    operator: Literal["+", "-", "*", "/"]
    value: float

    def emit(self, code: SourceWriter) -> str:
        return f"{code.value(self.of)} {_OPERATORS[self.operator][0]} {code.constant(self.value)}"

    def compute(self, x: Floats) -> Floats:
        result: Floats = _OPERATORS[self.operator][1](x, self.value)
        return result


_OPERATORS: dict[str, tuple[str, Any]] = {
    "+": ("+", np.add),
    "-": ("-", np.subtract),
    "*": ("*", np.multiply),
    "/": ("/", np.divide),
}


class Narrow(Elementwise, frozen=True):
    """An expression rounded to a narrower type, as a column of that type holds it."""

    dtype: Literal["float16", "float32"]

    def emit(self, code: SourceWriter) -> str:
        return f"{code.constant(NARROW[self.dtype])}({code.value(self.of)})"

    def compute(self, x: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return x.astype(self.dtype).astype(np.float64)


def _float16(x: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float16(x))


def _float32(x: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(x))


NARROW = {"float16": _float16, "float32": _float32}


class Clip(Elementwise, frozen=True):
    """An expression held between two constants; missing stays missing."""

    low: float
    high: float

    def emit(self, code: SourceWriter) -> str:
        name, low, high = code.value(self.of), code.constant(self.low), code.constant(self.high)
        return f"{low} if {name} < {low} else {high} if {name} > {high} else {name}"

    def compute(self, x: Floats) -> Floats:
        return np.clip(x, self.low, self.high)


class Truncated(Elementwise, frozen=True):
    """A number without what follows the decimal point: how boosters read a category."""

    def emit(self, code: SourceWriter) -> str:
        name = code.value(self.of)
        return f"{code.constant(math.trunc)}({name}) if {code.constant(math.isfinite)}({name}) else {name}"

    def compute(self, x: Floats) -> Floats:
        return np.trunc(x)


class MissingBetween(Elementwise, frozen=True):
    """A number, or missing where it lies between two others, or is one of them."""

    low: float
    high: float

    def emit(self, code: SourceWriter) -> str:
        name, low, high = code.value(self.of), code.constant(self.low), code.constant(self.high)
        return f"nan if {low} <= {name} <= {high} else {name}"

    def compute(self, x: Floats) -> Floats:
        return np.where((x >= self.low) & (x <= self.high), np.nan, x)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return True


LIGHTGBM_ZERO = float(np.float32(1e-35))
"""LightGBM takes a number that is no farther from 0 than this for 0."""


class ZeroIsMissing(Elementwise, frozen=True):
    """A number, or missing where it is 0: LightGBM's ``zero_as_missing``."""

    def emit(self, code: SourceWriter) -> str:
        name = code.value(self.of)
        return f"nan if -{LIGHTGBM_ZERO!r} <= {name} <= {LIGHTGBM_ZERO!r} else {name}"

    def compute(self, x: Floats) -> Floats:
        return np.where(np.abs(x) <= LIGHTGBM_ZERO, np.nan, x)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return True
