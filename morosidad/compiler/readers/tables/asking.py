"""Transformers that treat each column by itself, read by asking them: a table from value to columns.

The transformer is asked about one row for each value that a column may hold as far as it can tell
them apart: every category that it holds or the schema knows, one that nobody knows, none; of
numbers, both sides of every number that it holds. What differs from the answer about one fixed row
depends on that column. Where the answer changes between two numbers that are not neighbours, the
place is found by bisection. The parity gate proves the result like any other.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.expressions import Constant, Fill, Narrow
from morosidad.compiler.nodes.float_order import between
from morosidad.compiler.nodes.labels import Label
from morosidad.compiler.nodes.lookups import CategoryPosition, Edges
from morosidad.compiler.readers.encoders import intervals
from morosidad.compiler.readers.tables.axes import Axis, Cell, axis_of, cells_as_column
from morosidad.compiler.registry import Compiler, NotCompilable

MOST_ROWS = 60_000
"""So many rows a transformer is asked about at most."""
MOST_CHANGES = 4_000
"""So many intervals a column of numbers falls into at most."""

Transform = Callable[[Any], Any]


class _Refused:
    """The answer about a row that the transformer refuses."""


REFUSED = _Refused()


def asked(
    transform: Transform,
    columns: Sequence[Expr],
    compiler: Compiler,
    held: Sequence[Iterable[Any]],
    names: Sequence[Any] | None = None,
) -> list[Expr]:
    """Read a transformer by asking it.

    Parameters
    ----------
    transform : callable
        A frame → its columns, as an array, a frame or a sparse matrix.
    columns : sequence of Expr
        The transformer's input columns.
    compiler : Compiler
        The compilation.
    held : sequence of iterable
        For each column, the texts and numbers that the transformer may tell apart.
    names : sequence, optional
        The names of the columns; without them the transformer is given an array.

    Returns
    -------
    list of Expr
        Its columns.

    Raises
    ------
    NotCompilable
        If a column depends on several others, or is no table of one.
    """
    axes = [axis_of(column, values, compiler) for column, values in zip(columns, held, strict=True)]
    return _Questions(transform, axes, compiler, names).columns()


class _Answers(NamedTuple):
    """What was answered about the cells of one column, the others being as in the fixed row."""

    rows: list[Any]

    def column(self, place: int) -> list[Any]:
        return [row if row is REFUSED else row[place] for row in self.rows]


class _Questions:
    """One transformer with the axes of its columns."""

    def __init__(
        self, transform: Transform, axes: list[Axis], compiler: Compiler, names: Sequence[Any] | None
    ) -> None:
        self._transform = transform
        self._axes = axes
        self._compiler = compiler
        self._names = names
        if sum(len(axis.cells) for axis in axes) > MOST_ROWS:
            raise NotCompilable("an encoder of so many categories has no compiled form")
        self._base: list[Cell] = [axis.cells[0] for axis in axes]

    def columns(self) -> list[Expr]:
        """Ask, and make each of the transformer's columns."""
        (base,) = self._find_base()
        answers = [_Answers(self._about(place, axis.cells)) for place, axis in enumerate(self._axes)]
        self._demand(answers)
        self._others_alike(answers)
        out: list[Expr | None] = [None] * len(base)
        owned: dict[int, list[int]] = {}
        for place, fixed in enumerate(base):
            owners = [j for j, found in enumerate(answers) if _differs(found.column(place), fixed)]
            if len(owners) > 1:
                raise NotCompilable("a column is made of several others in a way that has no compiled form")
            if owners:
                owned.setdefault(owners[0], []).append(place)
            else:
                out[place] = self._constant(fixed)
        for j, places in owned.items():
            found = self._of_axis(j, answers[j], places)
            for place, expr in zip(places, found, strict=True):
                out[place] = expr
        return [expr for expr in out if expr is not None]

    # -- asking --------------------------------------------------------------------------------

    def _find_base(self) -> list[Any]:
        """Ask about the fixed row, trying others where it is refused."""
        for turn in range(max((len(axis.cells) for axis in self._axes), default=0)):
            self._base = [axis.cells[min(turn, len(axis.cells) - 1)] for axis in self._axes]
            found = self._ask([self._base])
            if found[0] is not REFUSED:
                return found
        raise NotCompilable("an encoder refuses every row that it is asked about")

    def _about(self, place: int, cells: Sequence[Cell]) -> list[Any]:
        before, after = self._base[:place], self._base[place + 1 :]
        return self._ask([[*before, cell, *after] for cell in cells])

    def _ask(self, rows: list[list[Cell]]) -> list[Any]:
        """Give the answers, one list of cells for each row; halves are asked where some are refused."""
        if not rows:
            return []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _as_rows(self._transform(self._frame(rows)), len(rows))
        except Exception:  # it refuses a row
            if len(rows) == 1:
                return [REFUSED]
        half = len(rows) // 2
        return [*self._ask(rows[:half]), *self._ask(rows[half:])]

    def _frame(self, rows: list[list[Cell]]) -> Any:
        import pandas as pd

        made = [
            cells_as_column(axis, cells)
            for axis, cells in zip(self._axes, zip(*rows, strict=True), strict=True)
        ]
        if self._names is not None:
            return pd.DataFrame(dict(enumerate(made))).set_axis(list(self._names), axis=1)
        if all(column.dtype == np.float64 for column in made):
            return np.column_stack([column.to_numpy() for column in made])
        table = np.empty((len(rows), len(made)), dtype=object)
        for place, column in enumerate(made):
            table[:, place] = column.astype(object).to_numpy()
        return table

    # -- reading the answers -------------------------------------------------------------------

    def _demand(self, answers: Sequence[_Answers]) -> None:
        """Demand of a record what the transformer does not refuse."""
        for axis, found in zip(self._axes, answers, strict=True):
            refused = [row is REFUSED for row in found.rows]
            if refused[-1]:
                self._compiler.require(axis.column)
            if not any(refused[:-1]):
                continue
            if axis.numeric or axis.edges is not None:
                raise NotCompilable("an encoder refuses some numbers")
            if axis.cells[-2] is not None:
                keys = [key for key, no in zip(axis.keys, refused, strict=False) if not no]
                self._compiler.allow(axis.column, keys)

    def _others_alike(self, answers: Sequence[_Answers]) -> None:
        """Make sure that all categories which the transformer does not know are treated alike."""
        for place, (axis, found) in enumerate(zip(self._axes, answers, strict=True)):
            usual = found.rows[-2]
            for cell, row in zip(axis.others, self._about(place, axis.others), strict=True):
                if row is REFUSED or usual is REFUSED:
                    alike = row is usual
                else:
                    pairs = zip(row, usual, strict=True)
                    alike = all(_equal(a, b) or (a, b) == (cell, axis.cells[-2]) for a, b in pairs)
                if not alike:
                    raise NotCompilable("an encoder tells categories apart that it was not fitted on")

    def _constant(self, fixed: Any) -> Expr:
        if isinstance(fixed, str):
            raise NotCompilable("a column of one text has no compiled form")
        return Constant(_number(fixed))

    def _of_axis(self, j: int, found: _Answers, places: list[int]) -> list[Expr]:
        axis = self._axes[j]
        if axis.numeric:
            return self._of_numbers(j, found, places)
        cells = [found.column(place) for place in places]
        kept = [_kept(axis, column) or _texts(axis, column) for column in cells]
        rest = [column for column, same in zip(cells, kept, strict=True) if same is None]
        made = iter(axis.lookups(_table(rest)) if rest else ())
        return [same if same is not None else next(made) for same in kept]

    def _of_numbers(self, j: int, found: _Answers, places: list[int]) -> list[Expr]:
        """Make columns of a number: as it is, filled where it is missing, or found by its interval."""
        axis = self._axes[j]
        out = [_as_it_is(axis, found.column(place)) for place in places]
        stepped = [place for place, same in zip(places, out, strict=True) if same is None]
        if stepped:
            begins, rows = self._steps(j, found, stepped)
            texts = any(isinstance(cell, str) for row in rows for cell in row if row is not REFUSED)
            edges = np.array(begins)
            if texts:
                at = axis_at(axis.of, edges)
                made: list[Expr] = [Label(at, tuple(map(_cell, cells))) for cells in zip(*rows, strict=True)]
            else:
                table = _table([list(cells) for cells in zip(*rows, strict=True)])
                made = intervals(axis.of, edges, table[:-1], table[-1:])
            steps = iter(made)
            out = [same if same is not None else next(steps) for same in out]
        return [expr for expr in out if expr is not None]

    def _steps(self, j: int, found: _Answers, places: list[int]) -> tuple[list[float], list[Any]]:
        """Find where the answer changes, and the answer of each interval and of none."""

        def pick(rows: list[Any]) -> list[Any]:
            return [row if row is REFUSED else tuple(row[place] for place in places) for row in rows]

        axis = self._axes[j]
        *tried, missing = pick(found.rows)
        numbers = [float(cell) for cell in axis.cells[:-1] if cell is not None]
        changes = [i for i in range(len(numbers) - 1) if not _equal(tried[i], tried[i + 1])]
        if len(changes) > MOST_CHANGES:
            raise NotCompilable("a column of numbers falls into more intervals than have a compiled form")
        low = [numbers[i] for i in changes]
        high = [numbers[i + 1] for i in changes]
        below = [tried[i] for i in changes]
        above = [tried[i + 1] for i in changes]
        for _ in range(70):
            middle = [_between(a, b, axis.whole) for a, b in zip(low, high, strict=True)]
            open_ = [i for i, (a, m) in enumerate(zip(low, middle, strict=True)) if m != a]
            if not open_:
                break
            answers = pick(self._about(j, [middle[i] for i in open_]))
            for i, answer in zip(open_, answers, strict=True):
                if _equal(answer, below[i]):
                    low[i] = middle[i]
                elif _equal(answer, above[i]):
                    high[i] = middle[i]
                else:
                    raise NotCompilable("a column changes with a number in a way that has no compiled form")
        else:
            raise NotCompilable("a column changes with a number in a way that has no compiled form")
        first = tried[0] if tried else missing
        if missing is REFUSED:
            missing = tuple(math.nan for _ in places)
        return high, [first, *above, missing]


def axis_at(of: Expr, edges: Floats) -> Any:
    """Give the position of a number among intervals."""
    from morosidad.compiler.nodes.lookups import IntervalPosition

    return IntervalPosition(of, Edges(np.asarray(edges, dtype=np.float64)))


def _between(low: float, high: float, whole: bool) -> float:
    """Give the middle of two numbers, the lower one where they are neighbours."""
    if whole:
        return float(math.floor((low + high) / 2.0))
    return float(between(np.array([low]), np.array([high]))[0])


def _as_rows(answer: Any, n: int) -> list[list[Any]]:
    """Give an answer as rows of Python's own values."""
    if hasattr(answer, "todense"):
        answer = np.asarray(answer.todense())
    if hasattr(answer, "columns") and hasattr(answer, "iloc"):
        columns = [answer.iloc[:, place].astype(object).tolist() for place in range(answer.shape[1])]
        rows = [list(cells) for cells in zip(*columns, strict=True)] if columns else [[] for _ in range(n)]
    else:
        table = np.asarray(answer)
        rows = (table[:, None] if table.ndim == 1 else table).tolist()
    if len(rows) != n:
        raise ValueError("another number of rows was given back")
    return rows


def _differs(column: list[Any], fixed: Any) -> bool:
    return any(cell is not REFUSED and not _equal(cell, fixed) for cell in column)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(map(_equal, one, other))
    if _is_missing(one) or _is_missing(other):
        return _is_missing(one) and _is_missing(other)
    return bool(one == other) and isinstance(one, str) == isinstance(other, str)


def _is_missing(cell: Any) -> bool:
    return cell is None or cell != cell or type(cell).__name__ in ("NAType", "NaTType")


def _cell(cell: Any) -> Cell:
    if cell is REFUSED or _is_missing(cell):
        return None
    if isinstance(cell, str | int | float | bool):
        return cell
    return str(cell)


def _number(cell: Any) -> float:
    if cell is REFUSED or _is_missing(cell):
        return math.nan
    if isinstance(cell, str) or not isinstance(cell, int | float | np.generic):
        raise NotCompilable("an encoder gives neither texts nor numbers")
    return float(cell)


def _table(columns: Sequence[Sequence[Any]]) -> Floats:
    return np.array([[_number(cell) for cell in column] for column in columns]).T


def _texts(axis: Axis, column: list[Any]) -> Expr | None:
    """Make a column of text: filled where it was missing, or a table of texts."""
    if not any(isinstance(cell, str) for cell in column):
        return None
    if axis.edges is not None:
        return Label(axis.at, tuple(map(_cell, column)))
    *known, other, missing = column
    keeps = _equal(other, axis.cells[-2])
    refills = keeps and all(map(_equal, known, axis.cells[: len(known)]))
    if refills and not isinstance(axis.column, Label) and _cell(missing) is not None:
        return Fill(axis.of, str(missing))
    at = CategoryPosition(axis.of, axis.keys)
    return Label(at, tuple(map(_cell, column)), keeps and _keeps(axis))


def _keeps(axis: Axis) -> bool:
    return not isinstance(axis.column, Label) or axis.column.keeps_others


def _kept(axis: Axis, column: list[Any]) -> Expr | None:
    """Give the column itself where it comes out as it went in."""
    pairs = zip(column, axis.cells, strict=True)
    return axis.column if all(a is REFUSED or _equal(a, b) for a, b in pairs) else None


def _as_it_is(axis: Axis, column: list[Any]) -> Expr | None:
    """Give a number's column where it comes out as it went in, but for a missing one perhaps."""
    *numbers, missing = column
    if any(cell is REFUSED or isinstance(cell, str) for cell in numbers):
        return None
    found = np.array([_number(cell) for cell in numbers])
    given = np.array([float(cell) for cell in axis.cells[:-1] if cell is not None])
    if np.array_equal(found, given):
        same: Expr = axis.column
    elif np.array_equal(found, given.astype(np.float32).astype(np.float64)):
        same = Narrow(axis.column, "float32")
    else:
        return None
    if missing is REFUSED or _is_missing(missing):
        return same
    return None if isinstance(missing, str) else Fill(same, _number(missing))
