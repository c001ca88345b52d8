"""An extension of griffe: the reference shows each parameter's default as the signature has it.

griffe's own reader of numpydoc takes the first of several choices for the default, and one default for all
the names on a line.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_OPTIONAL = re.compile(r"^(?P<names>\S[^:\n]*) :(?:[^\n]*,)? (optional|default)", re.MULTILINE)
_GATHERED = (griffe.ParameterKind.var_positional, griffe.ParameterKind.var_keyword)
_MADE = re.compile(r"\bfield\(.*?\bdefault=([^,)]+)")


class SignatureDefaults(griffe.Extension):
    """Corrects what was read of docstrings; see the module."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Go through all functions and classes of the package."""
        _correct_all(pkg)


def _correct_all(thing: griffe.Object) -> None:
    for member in thing.members.values():
        if not member.is_alias and (member.is_function or member.is_class or member.is_module):
            if member.docstring is not None and not member.is_module:
                _correct(member)
            _correct_all(member)


def _correct(thing: Any) -> None:
    """Give the parameters of one docstring their defaults; those behind ``**`` are absent by default."""
    thing.docstring.parser = griffe.Parser.numpy
    given = _defaults(thing)
    marked = {
        name
        for found in _OPTIONAL.finditer(thing.docstring.value)
        for name in found["names"].split(", ")
    }  # fmt: skip
    for section in thing.docstring.parsed:
        if section.kind is not griffe.DocstringSectionKind.parameters:
            continue
        for parameter in section.value:
            if parameter.name in given:
                parameter.value = given[parameter.name]
            elif parameter.name in marked:
                parameter.value = "None"


def _defaults(thing: Any) -> dict[str, Any]:
    """Give the defaults of a signature; those of a class without ``__init__`` stand with its attributes."""
    given = {one.name: one.default for one in thing.parameters if one.kind not in _GATHERED}
    if thing.is_class and "__init__" not in thing.members:
        for kind in (*reversed(thing.mro()), thing):
            for name, member in kind.members.items():
                if member.is_attribute and not name.startswith("_"):
                    made = _MADE.search(str(member.value))
                    given[name] = made[1] if made else member.value
    return given
