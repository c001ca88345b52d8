"""A checked expression as Python source: for one record, and for columns.

A condition with a missing value is neither true nor false (the three-valued logic of Kleene), so each
has two sources: where it is true, and where it is false. Numbers that are missing are NaN, of which no
comparison holds: `a < b` is true where ``a < b``, and false where ``a >= b``.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from morosidad.policy.rules import columns, functions
from morosidad.policy.rules.nodes import Node, Variable

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_OPPOSITE |= {"in": "not in", "not in": "in", "is": "is not", "is not": "is", "and": "or", "or": "and"}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Dialect(ABC):
    """Writes expressions as source; what a statement before them has to compute goes to `lines`."""

    joined: ClassVar[dict[str, str]]
    names: ClassVar[dict[str, Any]]

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.variables: dict[str, Variable] = {}
        self.dated: bool = False
        self._number = 0

    def held(self, source: str) -> str:
        """Give a name for a value that is needed more than once.

        Parameters
        ----------
        source : str
            What computes it.

        Returns
        -------
        str
        """
        if source.isidentifier() or source[0] in "'\"" or source.lstrip("-").replace(".", "").isdigit():
            return source
        self._number += 1
        self.lines.append(f"t{self._number} = {source}")
        return f"t{self._number}"

    def value(self, node: Node) -> str:
        """Write a number or a text.

        Parameters
        ----------
        node : Node
            Of either type.

        Returns
        -------
        str
        """
        if isinstance(node.value, Variable):
            self.variables[node.value.source] = node.value
            return node.value.source
        if node.operation == "constant":
            return repr(node.value)
        if node.operation == "today":
            self.dated = True
            return "today"
        of = [self.value(part) for part in node.of]
        if node.operation == "negative":
            return f"(-{of[0]})"
        if node.operation in ("+", "-", "*"):
            return f"({of[0]} {node.operation} {of[1]})"
        return self.called(node.operation, of)

    def condition(self, node: Node, true: bool = True) -> str:
        """Write where a condition is true, or where it is false.

        Parameters
        ----------
        node : Node
            A condition.
        true : bool, default=True
            Which of the two.

        Returns
        -------
        str
        """
        operation = node.operation if true else _OPPOSITE.get(node.operation, "")
        if node.operation == "not":
            return self.condition(node.of[0], not true)
        if operation in ("and", "or"):
            parts = [self.condition(part, true) for part in node.of]
            return f"({f' {self.joined[operation]} '.join(parts)})"
        if node.operation == "constant":
            return str(node.value is true)
        if node.operation == "name":
            return self.truth(self.value(node), true)
        if operation in ("is", "is not"):
            kind, value = node.of[0].type, self.held(self.value(node.of[0]))
            return self.presence(kind, value, operation == "is not")
        if operation in ("in", "not in"):
            return self.membership(node, operation == "in")
        return self._comparison(operation, *node.of)

    def _comparison(self, operation: str, one: Node, other: Node) -> str:
        if one.type == "truth":
            same = operation == "=="
            both = [[self.condition(side, true) for true in (True, False)] for side in (one, other)]
            pairs = zip(both[0], both[1] if same else both[1][::-1], strict=True)
            first, second = (f"({a} {self.joined['and']} {b})" for a, b in pairs)
            return f"({first} {self.joined['or']} {second})"
        left, right = self.value(one), self.value(other)
        if one.type == "text":
            return self.text_comparison(operation, left, right)
        if operation != "!=":
            return f"({left} {operation} {right})"
        left, right = self.held(left), self.held(right)
        return f"(({left} < {right}) {self.joined['or']} ({left} > {right}))"

    @abstractmethod
    def called(self, function: str, of: list[str]) -> str:
        """Write a function, or a division, of its arguments."""

    @abstractmethod
    def truth(self, name: str, true: bool) -> str:
        """Write where a field of conditions is true, or where it is false."""

    @abstractmethod
    def presence(self, kind: str, value: str, there: bool) -> str:
        """Write where a value is there, or where it is not."""

    @abstractmethod
    def membership(self, node: Node, inside: bool) -> str:
        """Write where a value is among the members of a list, or where it is there and is not."""

    @abstractmethod
    def text_comparison(self, operation: str, left: str, right: str) -> str:
        """Write where a comparison of texts holds, and none is missing."""


class RecordDialect(Dialect):
    """The source for one record: numbers are floats, a missing text or condition is None."""

    joined: ClassVar[dict[str, str]] = {"and": "and", "or": "or"}
    names: ClassVar[dict[str, Any]] = {
        "abs": abs,
        "min": functions.least,
        "max": functions.greatest,
        "round": functions.rounded,
        "floor": functions.floor,
        "len": functions.length,
        "lower": functions.lower,
        "years_between": functions.years_between,
        "nan": math.nan,
        "divide": functions.divide,
        "floor_divide": functions.floor_divide,
        "remainder": functions.remainder,
    }

    def called(self, function: str, of: list[str]) -> str:
        """Write a function, or a division, of its arguments."""
        if function != "/":
            name = {"//": "floor_divide", "%": "remainder"}.get(function, function)
            return f"{name}({', '.join(of)})"
        one, other = map(self.held, of)
        if not other.isidentifier() and float(other):
            return f"({one} / {other})"
        return self.held(f"{one} / {other} if {other} else divide({one}, {other})")

    def truth(self, name: str, true: bool) -> str:
        """Write where a field of conditions is true, or where it is false."""
        return f"{name} is {true}"

    def presence(self, kind: str, value: str, there: bool) -> str:
        """Write where a value is there, or where it is not."""
        if kind == "number":
            return f"{value} == {value}" if there else f"{value} != {value}"
        return f"{value} is {'not ' if there else ''}None"

    def membership(self, node: Node, inside: bool) -> str:
        """Write where a value is among the members of a list, or where it is there and is not."""
        of = node.of[0]
        value = self.held(self.value(of))
        members = "{" + ", ".join(map(repr, node.value)) + "}"  # type: ignore[arg-type]  # a tuple of members
        if inside:
            return f"{value} in {members}"
        return f"({self.presence(of.type, value, True)} and {value} not in {members})"

    def text_comparison(self, operation: str, left: str, right: str) -> str:
        """Write where a comparison of texts holds, and none is missing."""
        left, right = self.held(left), self.held(right)
        there = [f"{side} is not None and " for side in (left, right) if side.isidentifier()]
        return f"({''.join(there)}{left} {operation} {right})"


class ColumnDialect(Dialect):
    """The source for columns: arrays of float64, and texts as codes."""

    joined: ClassVar[dict[str, str]] = {"and": "&", "or": "|"}
    names: ClassVar[dict[str, Any]] = {
        "abs": np.abs,
        "min": columns.least,
        "max": columns.greatest,
        "round": np.rint,
        "floor": np.floor,
        "lower": columns.lowered,
        "absent": columns.absent,
        "nan": math.nan,
        "divide": np.divide,
        "floor_divide": np.floor_divide,
        "remainder": np.remainder,
        "len": lambda text: columns.each_text(functions.length, math.nan, text),
        "years_between": lambda *dates: columns.each_text(functions.years_between, math.nan, *dates),
        "compare": lambda operation, *texts: columns.each_text(_COMPARE[operation], False, *texts),
        "among": lambda text, members: columns.each_text(members.__contains__, False, text),
        "isin": np.isin,
        "column_of": columns.column_of,
    }

    def called(self, function: str, of: list[str]) -> str:
        """Write a function, or a division, of its arguments."""
        name = {"/": "divide", "//": "floor_divide", "%": "remainder"}.get(function, function)
        return f"{name}({', '.join(of)})"

    def truth(self, name: str, true: bool) -> str:
        """Write where a field of conditions is true, or where it is false."""
        return f"({name} == {int(true)})"

    def presence(self, kind: str, value: str, there: bool) -> str:
        """Write where a value is there, or where it is not."""
        if kind == "text":
            return f"(absent({value}) == {not there})"
        return f"({value} {'==' if there else '!='} {value})"

    def membership(self, node: Node, inside: bool) -> str:
        """Write where a value is among the members of a list, or where it is there and is not."""
        of = node.of[0]
        value, members = self.held(self.value(of)), repr(node.value)
        if of.type == "text":
            found, there = f"among({value}, {members})", f"(absent({value}) == False)"
        else:
            found, there = f"isin({value}, {members})", f"({value} == {value})"
        return found if inside else f"({there} & ({found} == False))"

    def text_comparison(self, operation: str, left: str, right: str) -> str:
        """Write where a comparison of texts holds, and none is missing."""
        return f"compare({operation!r}, {left}, {right})"
