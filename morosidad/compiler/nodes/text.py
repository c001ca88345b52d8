"""Nodes of text: a category's text changed, chosen or joined, and numbers read from it.

Over many rows a text stands as codes into its levels, so that each different text is changed once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import ColumnEvaluator, Expr, Floats, Position, SourceWriter, Text
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.nodes.functions import DAY
from morosidad.frames.reading import Coded

LONGEST_TEXT = 100_000
Argument = str | int | float | None


def coded(expr: Expr, batch: ColumnEvaluator) -> Coded:
    """Give many rows of a text as codes into its levels.

    Parameters
    ----------
    expr : Expr
        A field of categories, or a node of text.
    batch : ColumnEvaluator
        The rows.

    Returns
    -------
    Coded
        The level of a missing text is -1.
    """
    if isinstance(expr, Text):
        found: Coded = expr.coded(batch)
        return found
    column = batch.columns[expr.field] if isinstance(expr, Raw) else None
    if isinstance(column, Coded):
        return column
    return Coded(np.full(len(batch), -1, dtype=np.intp), [])  # a column of no text at all


def text(expr: Expr, code: SourceWriter) -> str:
    """Name the variable that holds a text, or None."""
    return code.field(expr.field) if isinstance(expr, Raw) else code.value(expr)


class TextConstant(Text, frozen=True):
    """The same text for every record, or none."""

    value: str | None

    def emit(self, code: SourceWriter) -> str:
        return code.constant(self.value)

    def coded(self, batch: ColumnEvaluator) -> Coded:
        if self.value is None:
            return Coded(np.full(len(batch), -1, dtype=np.intp), [])
        return Coded(np.zeros(len(batch), dtype=np.intp), [self.value])

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return self.value is None


class Changed(Text, frozen=True):
    """A text changed by a method of `str`; a missing one stays missing."""

    of: Expr
    method: str
    arguments: tuple[Argument, ...] = ()

    def emit(self, code: SourceWriter) -> str:
        name = text(self.of, code)
        arguments = "".join(f", {code.constant(argument)}" for argument in self.arguments)
        return f"None if {name} is None else {code.constant(_METHODS[self.method])}({name}{arguments})"

    def coded(self, batch: ColumnEvaluator) -> Coded:
        before, change = coded(self.of, batch), _METHODS[self.method]
        return Coded(before.codes, [change(level, *self.arguments) for level in before.levels])


class FilledText(Text, frozen=True):
    """A text, with another one where it is missing."""

    of: Expr
    value: str

    def emit(self, code: SourceWriter) -> str:
        name = text(self.of, code)
        return f"{code.constant(self.value)} if {name} is None else {name}"

    def coded(self, batch: ColumnEvaluator) -> Coded:
        before = coded(self.of, batch)
        codes = np.where(before.codes < 0, len(before.levels), before.codes)
        return Coded(codes, [*before.levels, self.value])

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class TextOf(Text, frozen=True):
    """The text for a position: the name of an interval, or what a category becomes."""

    at: Position
    texts: tuple[str | None, ...]

    def emit(self, code: SourceWriter) -> str:
        return self.at.emit_item(code, self.texts)

    def coded(self, batch: ColumnEvaluator) -> Coded:
        levels = [level for level in dict.fromkeys(self.texts) if level is not None]
        codes = np.array([-1 if level is None else levels.index(level) for level in self.texts])
        return Coded(codes.astype(np.intp).take(batch.position(self.at)), levels)


class TextChoice(Text, frozen=True):
    """One of two texts: the first where a condition is not 0."""

    condition: Expr
    first: Expr
    second: Expr

    def emit(self, code: SourceWriter) -> str:
        condition = code.value(self.condition)
        return f"{text(self.first, code)} if {condition} else {text(self.second, code)}"

    def coded(self, batch: ColumnEvaluator) -> Coded:
        first, second = coded(self.first, batch), coded(self.second, batch)
        moved = np.where(second.codes < 0, -1, second.codes + len(first.levels))
        codes = np.where(batch.value(self.condition) != 0.0, first.codes, moved)
        return Coded(codes.astype(np.intp), [*first.levels, *second.levels])


class Joined(Text, frozen=True):
    """Two texts one after the other; missing where either is."""

    first: Expr
    second: Expr

    def emit(self, code: SourceWriter) -> str:
        first, second = text(self.first, code), text(self.second, code)
        return f"None if {first} is None or {second} is None else {first} + {second}"

    def coded(self, batch: ColumnEvaluator) -> Coded:
        first, second = coded(self.first, batch), coded(self.second, batch)
        pairs = first.codes * max(1, len(second.levels)) + second.codes
        found, codes = np.unique(pairs, return_inverse=True)
        width = max(1, len(second.levels))
        levels = [
            str(first.levels[a]) + str(second.levels[b]) if first.levels and second.levels else ""
            for a, b in ((int(pair) // width, int(pair) % width) for pair in found)
        ]
        absent = (first.codes < 0) | (second.codes < 0)
        return Coded(np.where(absent, -1, codes.ravel()).astype(np.intp), levels)


class SameText(Expr, frozen=True):
    """1 where two texts are equal, else 0; a missing one equals none."""

    first: Expr
    second: Expr

    def emit(self, code: SourceWriter) -> str:
        first, second = text(self.first, code), text(self.second, code)
        return f"1.0 if {first} is not None and {first} == {second} else 0.0"

    def batch(self, batch: ColumnEvaluator) -> Floats:
        first, second = coded(self.first, batch), coded(self.second, batch)
        place = {level: i for i, level in enumerate([*first.levels, *second.levels])}
        one, other = (
            np.array([*(place[level] for level in side.levels), absent], dtype=np.intp)[side.codes]
            for side, absent in ((first, -1), (second, -2))
        )
        return np.asarray(one == other, dtype=np.float64)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return False


class NumberOf(Expr, frozen=True):
    """A number read from a text, by the name of what is read; `absent` for a missing text."""

    of: Expr
    method: str
    arguments: tuple[Argument, ...] = ()
    absent: float = math.nan

    def emit(self, code: SourceWriter) -> str:
        name = text(self.of, code)
        arguments = "".join(f", {code.constant(argument)}" for argument in self.arguments)
        read = f"{code.constant(_NUMBERS[self.method])}({name}{arguments})"
        return f"{code.constant(self.absent)} if {name} is None else {read}"

    def batch(self, batch: ColumnEvaluator) -> Floats:
        before, read = coded(self.of, batch), _NUMBERS[self.method]
        numbers = [read(level, *self.arguments) for level in before.levels]
        found: Floats = np.array([*numbers, self.absent], dtype=np.float64).take(before.codes)
        return found

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return True


def _exchange(value: str, *pairs: Any) -> str:
    found = dict(zip(pairs[::2], pairs[1::2], strict=True)).get(value, value)
    return str(found)


def _replace(value: str, old: str, new: str) -> str:
    if old and value.count(old) * max(0, len(new) - len(old)) > LONGEST_TEXT:
        raise ValueError("a text grows beyond every limit")
    return value.replace(old, new) if old else value


def _part(value: str, start: int | None, stop: int | None) -> str:
    return value[start:stop]


_METHODS: dict[str, Callable[..., str]] = {
    **{
        name: getattr(str, name) for name in ("lower", "upper", "title", "capitalize", "casefold", "swapcase")
    },
    **{name: getattr(str, name) for name in ("strip", "lstrip", "rstrip")},
    "replace": _replace,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
    "exchange": _exchange,
    "slice": _part,
}

_NUMBER = re.compile(
    r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE
)


def _number(value: str) -> float:
    """Read a plain number; anything else is none."""
    return float(value) if _NUMBER.fullmatch(value) else math.nan


def _is(predicate: Callable[..., bool]) -> Callable[..., float]:
    return lambda value, *arguments: float(predicate(value, *arguments))


_FORMATS = {
    "%Y-%m-%d": r"(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})",
    "%Y/%m/%d": r"(?P<Y>\d{4})/(?P<m>\d{2})/(?P<d>\d{2})",
    "%d/%m/%Y": r"(?P<d>\d{2})/(?P<m>\d{2})/(?P<Y>\d{4})",
    "%d-%m-%Y": r"(?P<d>\d{2})-(?P<m>\d{2})-(?P<Y>\d{4})",
    "%m/%d/%Y": r"(?P<m>\d{2})/(?P<d>\d{2})/(?P<Y>\d{4})",
    "%Y%m%d": r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    "%Y-%m": r"(?P<Y>\d{4})-(?P<m>\d{2})",
    "%Y%m": r"(?P<Y>\d{4})(?P<m>\d{2})",
}
FORMATS = tuple(_FORMATS)
"""The formats of dates that can be read."""
_PATTERNS = {name: re.compile(pattern, re.ASCII) for name, pattern in _FORMATS.items()}


def read_date(value: str, form: str) -> float:
    """Read a date that is written in full.

    Parameters
    ----------
    value : str
        The text.
    form : str
        One of `FORMATS`.

    Returns
    -------
    float
        Microseconds since 1970; NaN where the text is no such date.
    """
    found = _PATTERNS[form].fullmatch(value)
    if found is None:
        return math.nan
    parts = {name: int(part) for name, part in found.groupdict().items()}
    try:
        return float((date(parts["Y"], parts["m"], parts.get("d", 1)) - date(1970, 1, 1)).days * DAY)
    except ValueError:
        return math.nan


_NUMBERS: dict[str, Callable[..., float]] = {
    "len": lambda value: float(len(value)),
    "startswith": _is(str.startswith),
    "endswith": _is(str.endswith),
    "contains": _is(lambda value, part: part in value),
    "count": lambda value, part: float(value.count(part)),
    "find": lambda value, part: float(value.find(part)),
    "number": _number,
    "date": read_date,
    "no digits": lambda value: float(value not in ("now", "today") and not any(map(str.isdigit, value))),
    **{name: _is(getattr(str, name)) for name in ("isdigit", "isalpha", "isnumeric", "isupper", "islower")},
}
