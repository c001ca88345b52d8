"""Functions of one cell, or of one row: run once for each way through their branches.

``column.map(f)``, ``column.apply(f)`` and ``frame.apply(f, axis=1)`` call a function with values one at a
time. It is called with a symbolic value instead, and where it branches, it is called again with the
other answer, until every way through it is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.computed import Choice
from morosidad.compiler.nodes.expressions import Constant, Missing
from morosidad.compiler.nodes.text import Changed, NumberOf
from morosidad.compiler.readers.tracing.rules import numbers as rules
from morosidad.compiler.readers.tracing.rules.trace import Trace, described
from morosidad.compiler.readers.tracing.symbols.values import constant, wrap

MAX_WAYS = 64
"""So many ways through a function are tried."""


class Ways:
    """The answers that a function's branches are given, one way after the other."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._given: list[bool] = []
        self._asked: list[Expr] = []

    def answer(self, condition: Expr) -> bool:
        """Answer a branch as this way has it: a new one with yes."""
        place = len(self._asked)
        self._asked.append(condition)
        if place == len(self._given):
            self._given.append(True)
        return self._given[place]

    def demand(self, expr: Expr) -> None:
        """Demand a number wherever a record takes the way so far: the function raises without it."""
        for condition, given in reversed(list(zip(self._asked, self._given, strict=False))):
            both = (expr, Constant(0.0)) if given else (Constant(0.0), expr)
            expr = rules.choice(self._trace, condition, *both)
        self._trace.demand(expr)

    def result(self, call: Callable[[], Any]) -> Expr:
        """Run a function along every way, and give the choice between what they made."""
        found: list[tuple[list[Expr], list[bool], Expr]] = []
        while True:
            self._asked = []
            made = call()
            expr = made.expr if isinstance(made, Cell) else constant(self._trace, made)
            found.append((self._asked, self._given[: len(self._asked)], expr))
            if len(found) > MAX_WAYS:
                self._trace.end(f"has more than {MAX_WAYS} ways through a function of one value")
            self._given = self._given[: len(self._asked)]
            while self._given and not self._given[-1]:
                self._given.pop()
            if not self._given:
                return self._tree(found, 0)
            self._given[-1] = False

    def _tree(self, ways: Sequence[tuple[list[Expr], list[bool], Expr]], depth: int) -> Expr:
        asked, _, expr = ways[0]
        if len(asked) == depth:
            return expr
        yes = [way for way in ways if way[1][depth]]
        no = [way for way in ways if not way[1][depth]]
        if not yes or not no or any(described(way[0][depth]) != described(asked[depth]) for way in ways):
            self._trace.end("branches otherwise each time that it is run")
        return rules.choice(self._trace, asked[depth], self._tree(yes, depth + 1), self._tree(no, depth + 1))


class Cell:
    """One symbolic value: a number or a text as Python has it."""

    __hash__ = object.__hash__

    def __init__(
        self, ways: Ways, trace: Trace, expr: Expr, truth: bool = False, raises: bool = True
    ) -> None:
        self.ways, self.trace, self.expr, self._truth, self.raises = ways, trace, expr, truth, raises

    def _with(self, expr: Expr, truth: bool = False) -> Cell:
        return Cell(self.ways, self.trace, expr, truth, self.raises)

    def __bool__(self) -> bool:
        if self.trace.is_text(self.expr):
            present = rules.one_of(self.expr, [""], 0.0, 1.0)
            return self.ways.answer(present)
        return self.ways.answer(rules.truth(self.expr))

    def is_kind(self, kinds: tuple[Any, ...]) -> bool:
        """Answer `isinstance`, of a text that may be missing as a branch."""
        if not self.trace.is_text(self.expr):
            return any(issubclass(kind, (int, float, np.number)) for kind in kinds)
        if str in kinds:
            return self.ways.answer(rules.compared("==", Missing(self.expr), 0.0))
        return float in kinds and self.ways.answer(Missing(self.expr))

    def missing(self) -> Cell:
        """Tell whether there is no value."""
        return self._with(Missing(self.expr), truth=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.trace.is_text(self.expr):
            self._must_be_there()
        if self.trace.is_text(self.expr) and name in _CHANGES:
            return lambda *a: self._with(Changed(self.expr, name, self._fixed(a)))
        if self.trace.is_text(self.expr) and name in _ASKED:
            return lambda *a: self._with(NumberOf(self.expr, name, self._fixed(a), float("nan")), truth=True)
        self.trace.end(f"uses .{name} of a value, which is not recorded")

    def _must_be_there(self) -> None:
        """Demand that a text is there: None has no such method."""
        self.ways.demand(
            rules.choice(self.trace, Missing(self.expr), constant(self.trace, None), Constant(0.0))
        )

    def _fixed(self, arguments: Sequence[Any]) -> tuple[Any, ...]:
        if not all(isinstance(argument, str) for argument in arguments):
            self.trace.end("uses a method of text with what is no fixed text")
        return tuple(arguments)

    def __contains__(self, part: Any) -> bool:
        if not self.trace.is_text(self.expr) or not isinstance(part, str):
            self.trace.end("looks into a value")
        self._must_be_there()
        return self.ways.answer(NumberOf(self.expr, "contains", (part,)))

    def _outside(self, *_: Any) -> Any:
        self.trace.end("takes a value itself, which can't be recorded")

    __float__ = __int__ = __index__ = __len__ = __iter__ = __array__ = __getitem__ = _outside
    __str__ = __format__ = _outside

    def __round__(self, digits: int | None = None) -> Cell:
        return self._with(rules.rounded(self.expr, digits or 0))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or more:
            self.trace.end(f"uses numpy.{name}.{method}, which is not recorded")
        if len(inputs) == 1:
            return self._with(rules.unary(self.trace, name, self.expr, _FLOATS))
        if name not in rules.BINARY:
            self.trace.end(f"uses numpy.{name}, which is not recorded")
        return _reckoned(self, rules.BINARY[name], *inputs)


class RowOfCells:
    """One symbolic row: its cells by name."""

    def __init__(self, trace: Trace, cells: dict[Any, Cell]) -> None:
        self._trace, self._cells = trace, cells

    def __getitem__(self, name: Any) -> Cell:
        if name not in self._cells:
            self._trace.end("takes more than one cell of a row")
        return self._cells[name]

    def __getattr__(self, name: str) -> Any:
        if name in self._cells:
            return self._cells[name]
        if name.startswith("__"):
            raise AttributeError(name)
        self._trace.end(f"uses .{name} of a row, which is not recorded")

    def get(self, name: Any, default: Any = None) -> Any:
        """Give a cell, if the row has it."""
        return self._cells.get(name, default)


_FLOATS = np.empty(0)
_TRUTHS = np.empty(0, dtype=bool)
_CHANGES = ("lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip")
_ASKED = ("startswith", "endswith", "isdigit", "isalpha")


def _reckoned(cell: Cell, operator: str, first: Any, second: Any) -> Cell:
    exprs = [v.expr if isinstance(v, Cell) else constant(cell.trace, v) for v in (first, second)]
    truth = operator in ("<", "<=", ">", ">=", "==", "!=", "and", "or", "xor")
    truths = [isinstance(v, (bool, np.bool_)) or getattr(v, "_truth", False) for v in (first, second)]
    if operator in ("and", "or", "xor") and not all(truths):
        cell.trace.end("combines bits of whole numbers")
    if operator in ("/", "//", "%") and cell.raises:  # Python raises where numpy is infinite
        divided = Choice(rules.compared("==", exprs[1], 0.0), Constant(math.nan), Constant(0.0))
        cell.ways.demand(divided)
    real = _TRUTHS if truth else _FLOATS
    return cell._with(rules.binary(cell.trace, operator, exprs[0], exprs[1], real), truth)


def _dunder(operator: str, *, turned: bool = False) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, (Cell, str, bool, int, float, np.generic)) and other is not None:
            return NotImplemented
        return _reckoned(self, operator, *((other, self) if turned else (self, other)))

    return method


_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
              "and": "and", "or": "or", "xor": "xor"}  # fmt: skip
for _name, _operator in _OPERATORS.items():
    setattr(Cell, f"__{_name}__", _dunder(_operator))
    setattr(Cell, f"__r{_name}__", _dunder(_operator, turned=True))
for _name, _operator in {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}.items():
    setattr(Cell, f"__{_name}__", _dunder(_operator))


def _sign(name: str) -> Callable[[Any], Any]:
    return lambda self: self._with(rules.unary(self.trace, name, self.expr, _FLOATS))


for _name, _function in {"neg": "negative", "pos": "positive", "abs": "absolute"}.items():
    setattr(Cell, f"__{_name}__", _sign(_function))


def mapped(of: Any, function: Callable[..., Any], na_action: Any, args: Any = (), more: Any = None) -> Any:
    """Record ``column.map(function)`` and ``column.apply(function)``.

    Parameters
    ----------
    of : TracedSeries
        The column.
    function : callable
        Of one value.
    na_action : {None, 'ignore'}
        Whether missing values are left alone.
    args, more : tuple and dict, optional
        Further arguments.

    Returns
    -------
    TracedSeries
    """
    trace, keywords = of._trace, more or {}
    real = (
        of._real.map(function, na_action)
        if na_action
        else of._real.apply(function, args=tuple(args), **keywords)
    )
    again, ways = trace.rebound(function), Ways(trace)
    expr = ways.result(lambda: again(Cell(ways, trace, of._exprs[0]), *args, **keywords))
    if na_action:
        expr = rules.choice(trace, Missing(of._exprs[0]), constant(trace, None), expr)
    return wrap(trace, real, [expr])


def applied(of: Any, function: Callable[..., Any], more: dict[str, Any]) -> Any:
    """Record ``frame.apply(function, axis=1)`` that gives one value for each row.

    Parameters
    ----------
    of : TracedFrame
        The frame.
    function : callable
        Of one row.
    more : dict
        Further arguments of `apply`.

    Returns
    -------
    TracedSeries
    """
    trace = of._trace
    args = more.pop("args", ())
    if more:
        trace.end("applies a function with further settings")
    real = of._real.apply(function, axis=1, args=args)
    again, ways = trace.rebound(function), Ways(trace)
    raises = bool(of._real.iloc[0].dtype == object)

    def call() -> Any:
        pairs = zip(of._real.columns, of._exprs, strict=True)
        cells = {name: Cell(ways, trace, expr, raises=raises) for name, expr in pairs}
        return again(RowOfCells(trace, cells), *args)

    return wrap(trace, real, [ways.result(call)])
