"""What was found about one field: held, broken by a pair of rows, or not decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from morosidad.schema.field import Row, Value
from morosidad.schema.schema import Schema

Verdict = Literal["held", "broken", "undecided"]


class DirectionFinding(NamedTuple):
    """What was found.

    Attributes
    ----------
    verdict : {'held', 'broken', 'undecided'}
    pair : tuple of (tuple, tuple), or None
        Two rows that differ in the field alone, the one with the lower number first.
    """

    verdict: Verdict
    pair: tuple[Row, Row] | None = None


HELD, UNDECIDED = DirectionFinding("held"), DirectionFinding("undecided")


class Question:
    """What is asked of a form: whether its score rises with a field, whatever the other fields hold.

    Attributes
    ----------
    schema : Schema
        What rows may hold.
    field : int
        The field's place.
    base : tuple
        A valid row, for the fields that do not matter.
    confirm : callable
        Two rows, the lower first → whether scoring shows that the whole model breaks its direction.
    left : int
        So many steps of work may still be done.
    """

    def __init__(
        self, schema: Schema, field: int, base: Row, confirm: Callable[[Row, Row], bool], work: int
    ) -> None:
        self.schema: Schema = schema
        self.field: int = field
        self.base: Row = base
        self.confirm: Callable[[Row, Row], bool] = confirm
        self.left: int = work

    def row(self, **changes: Value) -> Row:
        """Give the base row with other values, by ``f`` and the field's place."""
        values = list(self.base)
        for name, value in changes.items():
            values[int(name[1:])] = value
        return tuple(values)

    def typed(self, number: float) -> Value:
        """Give a number of the field as a record holds it."""
        return int(number) if self.schema.fields[self.field].kind == "integer" else float(number)

    def pair(self, lower: float, higher: float, others: dict[int, Value]) -> tuple[Row, Row]:
        """Give two rows that differ in the field alone."""
        changes = {f"f{place}": value for place, value in others.items()}
        mine = f"f{self.field}"
        return (
            self.row(**{**changes, mine: self.typed(lower)}),
            self.row(**{**changes, mine: self.typed(higher)}),
        )
