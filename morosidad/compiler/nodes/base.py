"""Base classes of the expression nodes, and the protocols that nodes are evaluated through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.frames.reading import Coded

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]
Key = str | int | float | bool


class SourceWriter(Protocol):
    """The Python function of one record that nodes write themselves into."""

    @property
    def always(self) -> frozenset[int]:
        """The fields that are never missing."""
        ...

    @property
    def missing(self) -> frozenset[int]:
        """The fields that may have no value."""
        ...

    def field(self, place: int) -> str:
        """Name the variable that holds a field's value."""
        ...

    def constant(self, value: object) -> str:
        """Write a number, or bind any other constant to a name and give the name."""
        ...

    def value(self, expr: Expr) -> str:
        """Name the variable that holds an expression's number, computing it once."""
        ...

    def assign(self, source: str) -> str:
        """Compute some source into a new variable and name it."""
        ...


class ColumnEvaluator(Protocol):
    """Many records as columns, over which nodes are evaluated."""

    @property
    def columns(self) -> Sequence[Floats | Coded]:
        """The fields in schema order: numbers with NaN where missing, categories coded."""
        ...

    def __len__(self) -> int:
        """Give the number of records."""
        ...

    def number(self, field: int) -> Floats:
        """Give a field as numbers."""
        ...

    def missing(self, field: int) -> Bools:
        """Tell where a field has no value."""
        ...

    def value(self, expr: Expr) -> Floats:
        """Compute an expression, once."""
        ...

    def position(self, at: Position) -> Places:
        """Find each record's position, once."""
        ...


DEEPEST = 20
"""So many steps that hold expressions may stand one behind the other."""


class Shared(msgspec.Struct, frozen=True, eq=False):
    """Data that several expressions hold; a model file holds it once."""

    @property
    def depth(self) -> int:
        """How many steps that hold expressions stand one behind the other in it."""
        return 0

    @property
    def fits(self) -> bool:
        """Whether the sizes and places that it names are there, as those in a file may not be."""
        return True


class Expr(msgspec.Struct, frozen=True):
    """One column's value, computed from the fields of a record."""

    @property
    def alike(self) -> bool:
        """Whether `emit` and `batch` give the same bits, as they take the same operations."""
        return all(part.alike for part in self.parts())

    @property
    def dense(self) -> bool:
        """Whether a dense step makes the number, of all its inputs together."""
        return False

    @property
    def fits(self) -> bool:
        """Whether the sizes and places that it names are there, as those in a file may not be."""
        return True

    @property
    def own_fields(self) -> frozenset[int]:
        """The fields that are read here, and not in one of the parts."""
        return frozenset()

    @property
    def credited(self) -> Expr | None:
        """The part that the contribution is of; None where it is of all that the number depends on."""
        return None

    def parts(self) -> tuple[Expr, ...]:
        """Give the expressions that this one is made of."""
        return tuple(part for part in msgspec.structs.astuple(self) if isinstance(part, Expr))

    def emit(self, code: SourceWriter) -> str:
        """Write a Python expression for one record; a missing number is NaN."""
        raise NotImplementedError

    def batch(self, batch: ColumnEvaluator) -> Floats:
        """Compute the column for many rows."""
        raise NotImplementedError

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        """Whether the number can be NaN when the fields in `missing` may have no value."""
        return any(part.may_be_missing(missing) for part in self.parts())


class Text(Expr, frozen=True):
    """A text, or None, computed from the fields of a record."""

    def coded(self, batch: ColumnEvaluator) -> Coded:
        """Compute the texts of many rows, as codes into their levels."""
        raise NotImplementedError


class Position(Expr, frozen=True):
    """The place of an expression's value in a table: a whole number."""

    of: Expr

    @property
    def size(self) -> int:
        """How many positions there are."""
        raise NotImplementedError

    def find(self, batch: ColumnEvaluator) -> Places:
        """Find the positions of many rows."""
        raise NotImplementedError

    def emit_item(self, code: SourceWriter, items: Sequence[Any]) -> str:
        """Write the item at the position: there is one for each."""
        raise NotImplementedError

    def union(self, others: Sequence[Any]) -> tuple[Position, list[list[int]]]:
        """Give a position that tells all of several of this kind apart, and each one's place in it."""
        raise NotImplementedError

    def emit(self, code: SourceWriter) -> str:
        return self.emit_item(code, range(self.size))

    def batch(self, batch: ColumnEvaluator) -> Floats:
        return batch.position(self).astype(np.float64)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


def walk(expr: Expr) -> Iterator[Expr]:
    """Give an expression and all that it is made of, depth first."""
    yield expr
    for part in expr.parts():
        yield from walk(part)
