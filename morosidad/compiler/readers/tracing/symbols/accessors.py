"""The accessors of symbolic columns: methods of text, and parts of dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.computed import Choice, PartialFunction
from morosidad.compiler.nodes.expressions import Arith, Constant, Missing
from morosidad.compiler.nodes.functions import DAY
from morosidad.compiler.nodes.text import FORMATS, Changed, NumberOf
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS, Trace
from morosidad.compiler.readers.tracing.symbols.values import Traced, traced_in, wrap

_CHANGES = ("lower", "upper", "title", "capitalize", "casefold", "swapcase", "strip", "lstrip", "rstrip",
            "removeprefix", "removesuffix")  # fmt: skip
_ASKED = ("startswith", "endswith", "isdigit", "isalpha", "isnumeric", "isupper", "islower")


class _Accessor:
    def __init__(self, of: Traced) -> None:
        self._of = of
        self._trace: Trace = of._trace

    def _made(self, real: Any, expr: Expr) -> Any:
        return wrap(self._trace, real, [expr])


class TextMethods(_Accessor):
    """`str` of a symbolic column."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        method = getattr(self._of._real.str, name)
        if name not in (*_CHANGES, *_ASKED):
            self._trace.end(
                OTHER_ROWS if name == "get_dummies" else f"uses str.{name}, which is not recorded"
            )

        def call(*arguments: Any, **more: Any) -> Any:
            if traced_in(*arguments) or not all(isinstance(a, str) or a is None for a in arguments):
                self._trace.end(f"uses str.{name} with what is no fixed text")
            real = method(*arguments, **more)
            if name in _CHANGES:
                fixed = (*arguments, *more.values())
                return self._made(real, Changed(self._of._exprs[0], name, fixed))
            return self._asked(name, real, arguments, more.get("na"))

        return call

    def _asked(self, name: str, real: Any, arguments: tuple[Any, ...], absent: Any) -> Any:
        missing = float("nan") if self._of._real.dtype == object else 0.0
        if isinstance(absent, bool):
            missing = float(absent)
        return self._made(real, NumberOf(self._of._exprs[0], name, arguments, missing))

    def len(self) -> Any:
        return self._made(self._of._real.str.len(), NumberOf(self._of._exprs[0], "len"))

    def contains(
        self, pat: Any, case: bool = True, flags: int = 0, na: Any = None, regex: bool = True
    ) -> Any:
        if not isinstance(pat, str):
            self._trace.end("looks for a pattern in text")
        settings = {} if na is None else {"na": na}
        real = self._of._real.str.contains(pat, case=case, flags=flags, regex=regex, **settings)
        if flags or (regex and not _plain(pat)):
            self._trace.end("looks for a pattern in text")
        of = self._of._exprs[0]
        if not case:
            of, pat = Changed(of, "lower"), pat.lower()
        missing = float("nan") if self._of._real.dtype == object else 0.0
        if isinstance(na, bool):
            missing = float(na)
        return self._made(real, NumberOf(of, "contains", (pat,), missing))

    def count(self, pat: str, flags: int = 0) -> Any:
        if flags or not _plain(pat):
            self._trace.end("looks for a pattern in text")
        return self._made(self._of._real.str.count(pat), NumberOf(self._of._exprs[0], "count", (pat,)))

    def replace(self, pat: Any, repl: Any = None, n: int = -1, case: Any = None, flags: int = 0,
                regex: bool = False) -> Any:  # fmt: skip
        fixed = isinstance(pat, str) and isinstance(repl, str) and pat
        if not fixed or n != -1 or case is not None or flags or (regex and not _plain(pat)):
            self._trace.end("replaces a pattern in text")
        real = self._of._real.str.replace(pat, repl, regex=regex)
        return self._made(real, Changed(self._of._exprs[0], "replace", (pat, repl)))

    def slice(self, start: int | None = None, stop: int | None = None, step: int | None = None) -> Any:
        if step not in (None, 1):
            self._trace.end("takes every so many letters")
        real = self._of._real.str.slice(start, stop)
        return self._made(real, Changed(self._of._exprs[0], "slice", (start, stop)))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return self.slice(key.start, key.stop, key.step)
        self._trace.end("takes one letter of a text by its place")

    def cat(self, others: Any = None, sep: str | None = None, **_: Any) -> Any:
        if not isinstance(others, Traced):
            self._trace.end(OTHER_ROWS)
        joined: Any = self._of if not sep else self._of + sep  # type: ignore[operator]
        return joined + others


def _plain(pattern: str) -> bool:
    return not set(pattern) & set(".^$*+?{}[]\\|()")


class DateMethods(_Accessor):
    """`dt` of a symbolic column."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        real = getattr(self._of._real.dt, name)
        expr = self._of._exprs[0]
        part = {"weekday": "dayofweek", "day_of_week": "dayofweek", "day_of_year": "dayofyear"}.get(
            name, name
        )
        if self._of._real.dtype.kind == "m":
            if name == "days":
                return self._made(real, PartialFunction(Arith(expr, "/", float(DAY)), "floor"))
            if name == "total_seconds":
                return lambda: self._made(real(), Arith(expr, "/", 1_000_000.0))
        elif part in ("year", "month", "quarter", "day", "dayofweek", "dayofyear", "hour"):
            return self._made(real, PartialFunction(expr, f"date {part}"))
        elif name in ("normalize", "floor"):
            return lambda *unit: self._day(real(*unit), unit)
        self._trace.end(f"uses dt.{name}, which is not recorded")

    def _day(self, real: Any, unit: tuple[Any, ...]) -> Any:
        if unit not in ((), ("D",)):
            self._trace.end("takes parts of a day")
        days = PartialFunction(Arith(self._of._exprs[0], "/", float(DAY)), "floor")
        return self._made(real, Arith(days, "*", float(DAY)))


def read_dates(of: Traced, real: Any, form: str | None, *, coerce: bool) -> Any:
    """Read a text column as dates.

    Parameters
    ----------
    of : Traced
        The column.
    real : Series
        The dates of the sample.
    form : str or None
        How they are written; None for whichever pandas finds, of which only ``%Y-%m-%d`` is recorded.
    coerce : bool
        Whether what is no date becomes missing; else the original refuses it.

    Returns
    -------
    Traced
    """
    trace, expr = of._trace, of._exprs[0]
    if getattr(of._real.dtype, "kind", "O") == "M":
        return of
    if not trace.is_text(expr):
        trace.end("reads dates from numbers")
    if form is not None and form not in FORMATS:
        trace.end(f"reads dates in the format {form}, which is not recorded")
    found = NumberOf(expr, "date", (form or "%Y-%m-%d",))
    # what holds digits may be a date in a manner that only pandas reads
    unclear: Expr = Missing(expr)
    if coerce and form is not None:
        unclear = NumberOf(expr, "no digits", (), 1.0)
    trace.demand(Choice(unclear, Constant(0.0), found))
    return wrap(trace, real, [found])
