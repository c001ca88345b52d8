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
    from morosidad.compiler.batch import Batch
    from morosidad.compiler.code import Code

Floats = NDArray[np.float64]
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


class Fill(Expr, frozen=True):
    """Another expression, with `value` where it is missing. A category's value may be text."""

    of: Expr
    value: Key

    def emit(self, code: Code) -> str:
        value = code.constant(self.value)
        if isinstance(self.of, Raw):
            name = code.field(self.of.field)
            return name if self.of.field in code.always else f"{value} if {name} is None else {name}"
        name = code.value(self.of)
        return f"{name} if {name} == {name} else {value}"

    def batch(self, batch: Batch) -> Floats:
        column = batch.value(self.of)
        return np.where(np.isnan(column), float(self.value), column)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class Missing(Expr, frozen=True):
    """1 where another expression is missing, else 0."""

    of: Expr

    def emit(self, code: Code) -> str:
        if isinstance(self.of, Raw):
            return f"1.0 if {code.field(self.of.field)} is None else 0.0"
        name = code.value(self.of)
        return f"0.0 if {name} == {name} else 1.0"

    def batch(self, batch: Batch) -> Floats:
        if isinstance(self.of, Raw):
            return batch.missing(self.of.field).astype(np.float64)
        return np.isnan(batch.value(self.of)).astype(np.float64)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class Arith(Expr, frozen=True):
    """An expression and a constant: ``of - value`` and the like."""

    of: Expr
    operator: Literal["+", "-", "*", "/"]
    value: float

    def emit(self, code: Code) -> str:
        return f"{code.value(self.of)} {_OPERATORS[self.operator][0]} {code.constant(self.value)}"

    def batch(self, batch: Batch) -> Floats:
        result: Floats = _OPERATORS[self.operator][1](batch.value(self.of), self.value)
        return result


_OPERATORS: dict[str, tuple[str, Any]] = {
    "+": ("+", np.add),
    "-": ("-", np.subtract),
    "*": ("*", np.multiply),
    "/": ("/", np.divide),
}


class Clip(Expr, frozen=True):
    """An expression held between two constants; missing stays missing."""

    of: Expr
    low: float
    high: float

    def emit(self, code: Code) -> str:
        name, low, high = code.value(self.of), code.constant(self.low), code.constant(self.high)
        return f"{low} if {name} < {low} else {high} if {name} > {high} else {name}"

    def batch(self, batch: Batch) -> Floats:
        return np.clip(batch.value(self.of), self.low, self.high)


class Table(msgspec.Struct, frozen=True, eq=False):
    """Rows of numbers, one for each key, then one for any other key, then one for a missing value.

    Attributes
    ----------
    keys : tuple
        Categories, or numbers that stand for categories.
    rows : ndarray of shape (n_keys + 2, n_columns)
        What each becomes.
    """

    keys: tuple[Key, ...]
    rows: Floats

    def column(self, column: int) -> tuple[dict[Key | None, float], float, float]:
        """Give one column as a dictionary, with the numbers for another key and for none."""
        numbers = self.rows[:, column].tolist()
        return dict(zip(self.keys, numbers, strict=False)), numbers[-2], numbers[-1]


class Lookup(Expr, frozen=True):
    """One column of a `Table`, found by an expression's value."""

    of: Expr
    table: Table
    place: int = 0

    def emit(self, code: Code) -> str:
        keys, other, missing = self.table.column(self.place)
        if isinstance(self.of, Raw):
            keys[None] = missing
            return f"{code.constant(keys.get)}({code.field(self.of.field)}, {code.constant(other)})"
        name, get = code.value(self.of), code.constant(keys.get)
        found = f"{get}({name}, {code.constant(other)})"
        return f"{found} if {name} == {name} else {code.constant(missing)}"

    def batch(self, batch: Batch) -> Floats:
        column: Floats = self.table.rows[:, self.place].take(batch.places(self.of, self.table.keys))
        return column

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        rows = self.table.rows[:, self.place]
        absent = any(part.may_be_missing(missing) for part in self.parts())
        return bool(np.isnan(rows[:-1]).any() or (absent and np.isnan(rows[-1])))
