"""A user's function with its own view of pandas, numpy and the built-in functions.

The function's code is kept; only the names that it looks up outside itself are given to it anew. Its
module is never changed. Functions of the same author that it calls are treated alike.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from morosidad.compiler.readers.tracing.calls.pandas_calls import (
    REFUSED,
    numpy_stand_ins,
    pandas_stand_ins,
    sklearn_stand_ins,
)
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS, Trace
from morosidad.compiler.readers.tracing.symbols.cells import Cell
from morosidad.compiler.readers.tracing.symbols.values import RowCount, Traced, traced_in, wrap

_LIBRARIES = ("builtins", "pandas", "numpy", "sklearn", "scipy", "morosidad")
MAX_FUNCTIONS = 500


class Rebinder:
    """Gives functions as ones that can be called with symbolic objects.

    Parameters
    ----------
    trace : Trace
        The run that they belong to.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._made: dict[int, Any] = {}
        self._kept: list[Any] = []  # what is known by its id must not be collected
        self._builtins = {**vars(builtins), "len": self._len, "isinstance": self._isinstance, "float": float,
                          "__import__": self._import, "open": self._refused("open"),
                          "input": self._refused("input")}  # fmt: skip

    def __call__(self, value: Any) -> Any:
        """Give a value as a traced function sees it: a function, a module, or what it is."""
        if value is None or isinstance(value, (str, int, float, np.generic, Traced)):
            return value
        known = self._made.get(id(value))
        if known is None:
            if len(self._made) > MAX_FUNCTIONS:
                self._trace.end("calls too many functions")
            self._kept.append(value)
            self._made[id(value)] = value  # while it is being made
            known = self._made[id(value)] = self._seen(value)
        return known

    def _seen(self, value: Any) -> Any:
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if type(value) is dict and any(map(callable, value.values())):
            return {key: self(item) for key, item in value.items()}
        if type(value) in (list, tuple) and any(map(callable, value)):
            return type(value)(map(self, value))
        if type(value).__module__.startswith("numpy.random"):
            return _Refused(self._trace, type(value).__name__)
        handler = _handler(value)
        if handler is not None:
            stands_in = getattr(handler, "stands_in", False)
            return handler(self._trace) if stands_in else _Call(self._trace, value, handler)
        if type(value) is types.FunctionType and not _of_library(value):
            return self.function(value)
        if isinstance(value, types.MethodType) and not _of_library(value.__func__):
            method: Any = value.__func__
            return types.MethodType(self.function(method), self.of_self(value.__self__))
        if isinstance(value, functools.partial):
            return functools.partial(self(value.func), *value.args, **value.keywords)
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)) and _of_library(value):
            return _Call(self._trace, value, None)
        if callable(value) and not isinstance(value, type) and not _of_library(type(value)):
            return self.of_self(value)
        return value

    def function(self, function: types.FunctionType) -> types.FunctionType:
        """Give a function with the names that it looks up given anew."""
        while hasattr(function, "__wrapped__") and "sklearn" in function.__code__.co_filename:
            function = vars(function)["__wrapped__"]  # scikit-learn puts its output into a container
        if isinstance(function.__globals__, _Names):  # made within a function that is seen so already
            return function
        names = _Names(self, function.__globals__)
        names["__builtins__"] = self._builtins
        names["__name__"] = function.__globals__.get("__name__", "")
        cells = tuple(self._cell(cell) for cell in function.__closure__ or ())
        made = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells)
        made.__kwdefaults__ = function.__kwdefaults__
        return made

    def _cell(self, cell: Any) -> Any:
        try:
            return types.CellType(self(cell.cell_contents))
        except ValueError:  # it is empty as yet
            return cell

    def of_self(self, owner: Any) -> Any:
        """Give an object whose methods are seen as functions are; it is a copy, and never changed."""
        if isinstance(owner, type):
            return owner
        cls = type(owner)
        methods: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            if not _of_library(base):
                methods |= {name: self._member(member) for name, member in vars(base).items()}
        kept = {name: member for name, member in methods.items() if member is not None}
        kept |= {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        seen: Any = object.__new__(type(cls.__name__, (cls,), kept))
        vars(seen).update({name: self._attribute(value) for name, value in vars(owner).items()})
        return seen

    def _member(self, member: Any) -> Any:
        if isinstance(member, types.FunctionType):
            return self.function(member)
        if isinstance(member, staticmethod):
            return staticmethod(self(member.__func__))
        if isinstance(member, property) and member.fget is not None:
            return property(self(member.fget), member.fset)
        return None

    def _attribute(self, value: Any) -> Any:
        if isinstance(value, (types.FunctionType, types.MethodType, functools.partial)):
            return self(value)
        if hasattr(value, "transform") and hasattr(value, "get_params"):
            return _Step(self._trace, value)
        return value

    # -- modules and built-in functions ------------------------------------------------------------

    def _module(self, module: types.ModuleType) -> Any:
        top = module.__name__.partition(".")[0]
        if module.__name__.startswith("numpy.random"):
            return _Refused(self._trace, module.__name__)
        if top in ("random", "secrets", "time", "os", "sys", "io", "pathlib", "requests", "socket", "urllib"):
            return _Refused(self._trace, module.__name__)
        if top in ("pandas", "numpy", "datetime", "math", "scipy", "sklearn"):
            return _View(self, module)
        if top in (
            "builtins",
            "re",
            "json",
            "functools",
            "itertools",
            "operator",
            "collections",
            "typing",
            "warnings",
        ):
            return module
        return _View(self, module)

    def _import(self, name: str, *arguments: Any) -> Any:
        found = builtins.__import__(name, *arguments)
        return self(found)

    def _len(self, value: Any) -> Any:
        if isinstance(value, Traced):
            return RowCount(self._trace)
        return len(value)

    def _isinstance(self, value: Any, kinds: Any) -> bool:
        if isinstance(value, Cell):
            return value.is_kind(kinds if isinstance(kinds, tuple) else (kinds,))
        if not isinstance(value, Traced):
            kinds = tuple(_plain_kind(kind) for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
            return isinstance(value, kinds)
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        return isinstance(value._real, tuple(_plain_kind(kind) for kind in kinds))

    def _refused(self, name: str) -> Callable[..., Any]:
        def call(*_: Any, **__: Any) -> Any:
            self._trace.end(f"calls {name}")

        return call


class _Names(dict[str, Any]):
    """The names that a function looks up outside itself, each seen when it is first asked for."""

    def __init__(self, see: Rebinder, names: dict[str, Any]) -> None:
        super().__init__()
        self._see, self._names = see, names

    def __getitem__(self, name: str) -> Any:
        if name in self.keys():
            return super().__getitem__(name)
        if name in self._names:
            return self._see(self._names[name])
        raise KeyError(name)


class _View:
    """A module as a traced function sees it."""

    def __init__(self, see: Rebinder, module: types.ModuleType) -> None:
        self._see, self._of = see, module

    def __getattr__(self, name: str) -> Any:
        return self._see(getattr(self._of, name))


class _Refused:
    """A module whose answers are others each time."""

    def __init__(self, trace: Trace, name: str) -> None:
        self._trace, self._name = trace, name

    def __getattr__(self, name: str) -> Any:
        self._trace.end(f"calls {self._name}.{name}, which answers otherwise each time")


class _Step:
    """A fitted transformer that another one holds: compiled where it is given symbolic columns."""

    def __init__(self, trace: Trace, step: Any) -> None:
        self._trace, self._step = trace, step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def transform(self, X: Any, *arguments: Any, **more: Any) -> Any:
        """Transform columns."""
        if not isinstance(X, Traced):
            return self._step.transform(X, *arguments, **more)
        assert self._trace.transform is not None
        real = self._step.transform(X._real)
        return wrap(self._trace, real, self._trace.transform(self._step, X._exprs))


class _Call:
    """A function of a library: recorded where it is given symbolic objects, and itself where not."""

    def __init__(self, trace: Trace, function: Any, handler: Any) -> None:
        self._trace, self._function, self._handler = trace, function, handler

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        name = getattr(self._function, "__name__", "a function")
        if _refuses(self._function):
            self._trace.end(f"calls {name}, which answers otherwise each time")
        if self._handler is not None:
            return self._handler(self._trace, *arguments, **more)
        traced = traced_in(*arguments, *more.values())
        if (
            traced
            and not (hasattr(np, name) and getattr(np, name) is self._function)
            and not hasattr(self._function, "_implementation")
        ):
            self._trace.end(OTHER_ROWS if name in REFUSED else f"calls {name}, which is not recorded")
        return self._function(*arguments, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


def _handler(value: Any) -> Any:
    for table in (pandas_stand_ins, numpy_stand_ins, sklearn_stand_ins):
        try:
            found = table().get(value)
        except TypeError:  # it can't be looked up
            return None
        if found is not None:
            return found
    return None


def _plain_kind(kind: Any) -> Any:
    kind = getattr(kind, "_plain", kind)
    return getattr(kind, "_function", kind)


def _refuses(function: Any) -> bool:
    module = str(getattr(function, "__module__", "") or "")
    owner = type(getattr(function, "__self__", None)).__name__
    return module.startswith("numpy.random") or owner in ("RandomState", "Generator")


def _of_library(value: Any) -> bool:
    module = str(getattr(value, "__module__", "") or "builtins")
    if module.partition(".")[0] in _LIBRARIES:
        return True
    try:
        path = inspect.getfile(value)
    except (TypeError, OSError):
        return False
    return "/lib/python3" in path and "site-packages" not in path
