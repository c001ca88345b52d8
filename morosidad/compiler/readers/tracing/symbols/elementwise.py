"""Methods that act on each cell alone, of columns and of frames alike: what each is as an expression."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Missing
from morosidad.compiler.readers.tracing.rules import conversions
from morosidad.compiler.readers.tracing.rules import numbers as rules
from morosidad.compiler.readers.tracing.rules.trace import Trace
from morosidad.compiler.readers.tracing.symbols.values import (
    Traced,
    columns_of,
    constant,
    real_of,
    spread,
    traced_in,
    wrap,
)

Rule = Callable[..., Expr]


def combined(trace: Trace, name: str, real: Any, first: Any, second: Any) -> Any:
    """Give the result of an operator as a symbolic object.

    Parameters
    ----------
    trace : Trace
        The run.
    name : str
        The operator, as in `Binary`.
    real : Series, DataFrame or ndarray
        The result for the sample.
    first, second : object
        The operands.

    Returns
    -------
    Traced
    """
    pairs = zip(spread(trace, first, real), spread(trace, second, real), columns_of(trace, real), strict=True)
    return wrap(trace, real, [rules.binary(trace, name, a, b, column) for a, b, column in pairs])


def each(of: Traced, real: Any, rule: Rule) -> Any:
    """Give what a rule makes of each column: called with its expression, and its column before and after."""
    trace = of._trace
    before, after = columns_of(trace, of._real), columns_of(trace, real)
    triples = zip(of._exprs, before, after, strict=True)
    return wrap(trace, real, [rule(expr, was, now) for expr, was, now in triples])


# -- operators ---------------------------------------------------------------------------------------


def _dunder(name: str, do: Callable[[Any, Any], Any], *, turned: bool = False) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if type(other).__name__ in ("RowCount", "RowLabels"):
            self._end("depends on how many rows there are")
        first, second = (other, self) if turned else (self, other)
        return combined(self._trace, name, do(real_of(first), real_of(second)), first, second)

    return method


_OPERATORS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "add": ("+", operator.add),
    "sub": ("-", operator.sub),
    "mul": ("*", operator.mul),
    "truediv": ("/", operator.truediv),
    "floordiv": ("//", operator.floordiv),
    "mod": ("%", operator.mod),
    "pow": ("**", operator.pow),
    "and": ("&", operator.and_),
    "or": ("|", operator.or_),
    "xor": ("^", operator.xor),
    "lt": ("<", operator.lt),
    "le": ("<=", operator.le),
    "gt": (">", operator.gt),
    "ge": (">=", operator.ge),
    "eq": ("==", operator.eq),
    "ne": ("!=", operator.ne),
}
for _name, (_operator, _do) in _OPERATORS.items():
    setattr(Traced, f"__{_name}__", _dunder(_operator, _do))
    if _name not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Traced, f"__r{_name}__", _dunder(_operator, _do, turned=True))


def _sign(name: str, do: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        return each(self, do(self._real), lambda e, _, now: rules.unary(self._trace, name, e, now))

    return method


_SIGNS = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}
for _name, _function in _SIGNS.items():
    setattr(Traced, f"__{_name}__", _sign(_function, getattr(operator, _name)))


# -- methods -----------------------------------------------------------------------------------------


def _with_fill(name: str, method: str, *, turned: bool = False) -> Callable[..., Any]:
    """Make a method of arithmetic, which may fill what is missing on one side alone."""

    def call(
        self: Traced, other: Any, axis: Any = "columns", level: Any = None, fill_value: Any = None
    ) -> Any:
        if level is not None:
            self._end("reckons by levels of an index")
        if fill_value is not None:
            if isinstance(other, Traced):
                self._end("fills what is missing on one side alone")
            return call(METHODS["fillna"](self, fill_value), other, axis)
        arguments = {"axis": axis} if hasattr(self._real, "columns") else {}
        real = getattr(self._real, method)(real_of(other), **arguments)
        first, second = (other, self) if turned else (self, other)
        return combined(self._trace, name, real, first, second)

    return call


def _fillna(self: Traced, value: Any = None, **more: Any) -> Any:
    if value is None or more.get("method") is not None or more.get("limit") is not None:
        self._end("fills with the values of other rows")
    more.pop("inplace", None)
    real = self._real.fillna(real_of(value))
    if isinstance(value, Mapping) and hasattr(self._real, "columns"):
        values: list[Any] = [value.get(name) for name in self._real.columns]
        values = [v._exprs[0] if isinstance(v, Traced) else constant(self._trace, v) for v in values]
    else:
        values = spread(self._trace, value, real)
    pairs = zip(self._exprs, values, strict=True)
    return wrap(self._trace, real, [rules.filled(self._trace, expr, v) for expr, v in pairs])


def _clip(self: Traced, lower: Any = None, upper: Any = None, *, axis: Any = None, **more: Any) -> Any:
    lower, upper = more.pop("min", lower), more.pop("max", upper)
    if isinstance(self._real, np.ndarray):
        real = self._real.clip(real_of(lower), real_of(upper), **more)
    else:
        real = self._real.clip(real_of(lower), real_of(upper), axis=axis, **more)
    none: list[Expr | None] = [None] * len(self._exprs)
    low, high = (none if b is None else spread(self._trace, b, real) for b in (lower, upper))
    triples = zip(self._exprs, low, high, strict=True)
    return wrap(self._trace, real, [rules.clipped(*triple) for triple in triples])


def _astype(self: Traced, dtype: Any, copy: Any = None, errors: str = "raise", **_: Any) -> Any:
    if errors != "raise":
        self._end("casts with errors ignored")
    real = self._real.astype(dtype)
    return each(self, real, lambda e, was, now: conversions.cast(self._trace, e, was, now))


def _round(self: Traced, decimals: Any = 0, **_: Any) -> Any:
    if not isinstance(decimals, int):
        self._end("rounds to decimals that differ")
    real = self._real.round(decimals)

    def rule(expr: Expr, was: Any, now: Any) -> Expr:
        if getattr(was.dtype, "kind", "O") in "iub" and decimals >= 0:
            return expr
        if decimals < 0:
            self._end("rounds to tens")
        return rules.rounded(expr, decimals)

    return each(self, real, rule)


def _isin(self: Traced, values: Any) -> Any:
    if traced_in(values) or isinstance(values, dict):
        self._end("looks for values among those of columns")
    values = list(values)
    real = self._real.isin(values)
    none = any(conversions.is_none(value) for value in values)

    def rule(expr: Expr, *_: Any) -> Expr:
        text = self._trace.is_text(expr)
        keys = [v.item() if isinstance(v, np.generic) else v for v in values if isinstance(v, str) == text]
        known = [key for key in dict.fromkeys(keys) if not conversions.is_none(key)]
        return rules.one_of(expr, known, 1.0, 0.0, float(none))

    return each(self, real, rule)


def _map(self: Traced, arg: Any = None, na_action: Any = None, **more: Any) -> Any:
    if callable(arg):
        self._end("maps a frame by a function")
    pairs = dict(arg) if not hasattr(arg, "to_dict") else arg.to_dict()
    if hasattr(type(arg), "__missing__") or more:
        self._end("maps by a dict with a default")
    real = self._real.map(arg)
    return each(self, real, lambda e, *_: conversions.exchanged(self._trace, e, pairs, others=False))


def _replace(
    self: Traced, to_replace: Any = None, value: Any = ..., *, regex: Any = False, **more: Any
) -> Any:
    if regex or more.get("method") is not None or traced_in(to_replace, value):
        self._end("replaces by patterns, or by the values of columns")
    more.pop("inplace", None)
    nested = isinstance(to_replace, Mapping) and any(isinstance(v, Mapping) for v in to_replace.values())
    real = self._real.replace(to_replace) if value is ... else self._real.replace(to_replace, value)
    if nested:
        by_name = dict(to_replace)
        exprs = [
            conversions.exchanged(self._trace, e, dict(by_name.get(name) or {}), others=True)
            if name in by_name
            else e
            for name, e in zip(self._real.columns, self._exprs, strict=True)
        ]
        return wrap(self._trace, real, exprs)
    pairs = _replacements(self, to_replace, value)
    return each(self, real, lambda e, *_: conversions.exchanged(self._trace, e, pairs, others=True))


def _replacements(self: Traced, old: Any, new: Any) -> dict[Any, Any]:
    if isinstance(old, Mapping):
        if new is not ...:
            self._end("replaces by column")
        return dict(old)
    olds = list(old) if isinstance(old, (list, tuple, np.ndarray)) else [old]
    if new is ...:
        self._end("replaces with the values of other rows")
    news = list(new) if isinstance(new, (list, tuple, np.ndarray)) else [new] * len(olds)
    return dict(zip(olds, news, strict=True))


def _between(self: Any, left: Any, right: Any, inclusive: str = "both") -> Any:
    low = self >= left if inclusive in ("both", "left") else self > left
    high = self <= right if inclusive in ("both", "right") else self < right
    return low & high


def _where(self: Traced, cond: Any, other: Any = np.nan, **more: Any) -> Any:
    return _chosen(self, "where", cond, other)


def _mask(self: Traced, cond: Any, other: Any = np.nan, **more: Any) -> Any:
    return _chosen(self, "mask", cond, other)


def _chosen(self: Traced, method: str, cond: Any, other: Any) -> Any:
    if callable(cond):
        cond = cond(self)
    real = getattr(self._real, method)(real_of(cond), real_of(other))
    conditions, others = spread(self._trace, cond, real), spread(self._trace, other, real)
    exprs = []
    for own, condition, instead in zip(self._exprs, conditions, others, strict=True):
        first, second = (own, instead) if method == "where" else (instead, own)
        exprs.append(rules.choice(self._trace, condition, first, second))
    return wrap(self._trace, real, exprs)


def _isna(self: Traced) -> Any:
    return each(self, self._real.isna(), lambda e, *_: Missing(e))


def _notna(self: Traced) -> Any:
    return each(self, self._real.notna(), lambda e, *_: rules.compared("==", Missing(e), 0.0))


def _abs(self: Any) -> Any:
    return abs(self)


def _combine_first(self: Traced, other: Any) -> Any:
    return _fillna(self, other)


def _unchanged(name: str) -> Callable[..., Any]:
    def call(self: Traced, *arguments: Any, **more: Any) -> Any:
        return each(self, getattr(self._real, name)(*arguments, **more), lambda e, *_: e)

    return call


METHODS: dict[str, Callable[..., Any]] = {
    "fillna": _fillna,
    "clip": _clip,
    "astype": _astype,
    "round": _round,
    "isin": _isin,
    "map": _map,
    "replace": _replace,
    "between": _between,
    "where": _where,
    "mask": _mask,
    "isna": _isna,
    "isnull": _isna,
    "notna": _notna,
    "notnull": _notna,
    "abs": _abs,
    "combine_first": _combine_first,
    "infer_objects": _unchanged("infer_objects"),
    "convert_dtypes": _unchanged("convert_dtypes"),
}
for _name, (_operator, _) in _OPERATORS.items():
    if _name not in ("and", "or", "xor"):
        METHODS[_name] = _with_fill(_operator, _name)
        if _name not in ("lt", "le", "gt", "ge", "eq", "ne"):
            METHODS[f"r{_name}"] = _with_fill(_operator, f"r{_name}", turned=True)
for _short, _name in {"div": "truediv", "divide": "truediv", "multiply": "mul", "subtract": "sub"}.items():
    METHODS[_short] = METHODS[_name]
METHODS["rdiv"] = METHODS["rtruediv"]
