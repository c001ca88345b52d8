"""The reference says of every parameter that has a default that it may be left out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec

from support import ROOT

SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^(\S.*)$", re.MULTILINE)
SHOWN = re.compile(r"^::: ([\w.]+)", re.MULTILINE)


def found_at(path: str) -> Any:
    """Import what a page shows: a module, or what stands in one."""
    try:
        return import_module(path)
    except ModuleNotFoundError:
        home, _, name = path.rpartition(".")
        return getattr(found_at(home), name)


def shown() -> Iterator[tuple[str, Any]]:
    """Give the functions, classes and methods that the pages show, those of their bases too."""
    text = "".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))
    for path in SHOWN.findall(text):
        thing = found_at(path)
        for one in _public(vars(thing)) if inspect.ismodule(thing) else [thing]:
            yield path, one
            for kind in one.__mro__ if inspect.isclass(one) else ():
                if kind.__module__.startswith("morosidad."):
                    yield from ((f"{path}.{method.__name__}", method) for method in _public(vars(kind)))


def _public(names: dict[str, Any]) -> list[Any]:
    found = [getattr(value, "__func__", value) for name, value in names.items() if not name.startswith("_")]
    return [one for one in found if inspect.isfunction(one) or inspect.isclass(one)]


def entries(thing: Any) -> dict[str, str]:
    """Give each parameter of a numpydoc docstring, and the line that says what it is."""
    section = SECTION.search(inspect.cleandoc(thing.__doc__ or ""))
    lines = ENTRY.findall(section[1]) if section else []
    return {name.strip(): line for line in lines for name in line.partition(" : ")[0].split(",")}


def unmarked(thing: Any) -> list[str]:
    """Name the parameters with a default that are marked neither ``optional`` nor by the default."""
    said = entries(thing)
    if not said:
        return []
    marked = [name for name, line in said.items() if re.search(r"(,| :) (optional|default)", line)]
    return [name for name in defaulted(thing) if name in said and name not in marked]


def defaulted(thing: Any) -> list[str]:
    """Name the parameters that may be left out: those with a default, and those that are behind ``**``."""
    if inspect.isclass(thing) and issubclass(thing, msgspec.Struct):  # its signature asks for all its types
        fields, defaults = thing.__struct_fields__, thing.__struct_defaults__
        return [
            name
            for name, default in zip(reversed(fields), reversed(defaults), strict=False)
            if default is not msgspec.NODEFAULT
        ]
    parameters = inspect.signature(thing).parameters
    found = [name for name, parameter in parameters.items() if parameter.default is not parameter.empty]
    gathered = [name for name, parameter in parameters.items() if parameter.kind is parameter.VAR_KEYWORD]
    named = [name for name in entries(thing) if not name.startswith("*")]
    further = [name for name in named if name not in parameters or name in gathered]
    return found + further if gathered else found


def test_every_parameter_with_a_default_is_marked() -> None:
    found = [f"{path}: {', '.join(names)}" for path, thing in shown() if (names := unmarked(thing))]
    assert not found, "\n".join(sorted(set(found)))


def test_a_default_that_is_not_marked_is_found() -> None:
    def asked(a: int, b: int = 1, c: int = 2, d: int | None = None) -> None:
        """Do nothing.

        Parameters
        ----------
        a, b : int
            Two numbers.
        c : int, default=2
            Another.
        d : int, optional
            The last.

        Returns
        -------
        None
        """

    assert unmarked(asked) == ["b"]
