"""What a fitted pipeline computes, as data: small frozen nodes from a record's fields to columns.

Each node knows two ways to its number: `emit` writes the Python that computes it for one record,
`batch` computes it for many rows with numpy. Both take the operations in scikit-learn's order, so
that a column's numbers are scikit-learn's own, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from morosidad.compiler.backends.numpy_columns import Batch
    from morosidad.compiler.backends.python_source import Code

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Key = str | int | float | bool


class Expr(msgspec.Struct, frozen=True):
    """One column's value, computed from the fields of a record."""

    def parts(self) -> tuple[Expr, ...]:
        """Give the expressions that this one is made of."""
        return tuple(part for part in msgspec.structs.astuple(self) if isinstance(part, Expr))

    def emit(self, code: Code) -> str:
        """Write a Python expression for one record; a missing number is NaN."""
        raise NotImplementedError

    def batch(self, batch: Batch) -> Floats:
        """Compute the column for many rows."""
        raise NotImplementedError

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        """Whether the number can be NaN when the fields in `missing` may have no value."""
        return any(part.may_be_missing(missing) for part in self.parts())


def walk(expr: Expr) -> Iterator[Expr]:
    """Give an expression and all that it is made of."""
    yield expr
    for part in expr.parts():
        yield from walk(part)


def fields_of(expr: Expr) -> frozenset[int]:
    """Give the fields that an expression depends on, by their place in the schema."""
    return frozenset(node.field for node in walk(expr) if isinstance(node, Raw))


class Raw(Expr, frozen=True):
    """A field's value as it was validated."""

    field: int

    def emit(self, code: Code) -> str:
        name = code.field(self.field)
        return name if self.field in code.always else f"nan if {name} is None else {name}"

    def batch(self, batch: Batch) -> Floats:
        return batch.number(self.field)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return self.field in missing


class Constant(Expr, frozen=True):
    """The same number for every record."""

    value: float

    def emit(self, code: Code) -> str:
        return code.constant(self.value)

    def batch(self, batch: Batch) -> Floats:
        return np.full(len(batch), self.value)


class Elementwise(Expr, frozen=True):
    """A function of another expression's number, and of nothing else."""

    of: Expr

    def compute(self, x: Floats) -> Floats:
        """Compute it for many numbers; a missing one is NaN."""
        raise NotImplementedError

    def batch(self, batch: Batch) -> Floats:
        return self.compute(batch.value(self.of))


class Fill(Elementwise, frozen=True):
    """Another expression, with `value` where it is missing. A category's value may be text."""

    value: Key

    def emit(self, code: Code) -> str:
        value = code.constant(self.value)
        if isinstance(self.of, Raw):
            name = code.field(self.of.field)
            return name if self.of.field in code.always else f"{value} if {name} is None else {name}"
        name = code.value(self.of)
        return f"{name} if {name} == {name} else {value}"

    def compute(self, x: Floats) -> Floats:
        return np.where(np.isnan(x), float(self.value), x)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class Missing(Elementwise, frozen=True):
    """1 where another expression is missing, else 0."""

    def emit(self, code: Code) -> str:
        if isinstance(self.of, Raw):
            return f"1.0 if {code.field(self.of.field)} is None else 0.0"
        name = code.value(self.of)
        return f"0.0 if {name} == {name} else 1.0"

    def compute(self, x: Floats) -> Floats:
        return np.isnan(x).astype(np.float64)

    def batch(self, batch: Batch) -> Floats:
        if isinstance(self.of, Raw):
            return batch.missing(self.of.field).astype(np.float64)
        return super().batch(batch)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class Arith(Elementwise, frozen=True):
    """An expression and a constant: ``of - value`` and the like."""

    operator: Literal["+", "-", "*", "/"]
    value: float

    def emit(self, code: Code) -> str:
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


class Clip(Elementwise, frozen=True):
    """An expression held between two constants; missing stays missing."""

    low: float
    high: float

    def emit(self, code: Code) -> str:
        name, low, high = code.value(self.of), code.constant(self.low), code.constant(self.high)
        return f"{low} if {name} < {low} else {high} if {name} > {high} else {name}"

    def compute(self, x: Floats) -> Floats:
        return np.clip(x, self.low, self.high)
