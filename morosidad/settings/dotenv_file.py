"""A ``.env`` file, read by python-dotenv; what it would only warn of is an error here."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dotenv.parser import parse_stream
from dotenv.variables import Variable, parse_variables

_NAME_AND_EQUALS = re.compile(r"\s*(?:export\s+)?['\"]?([\w.\-]+)['\"]?[^\S\n]*=")


class Binding(NamedTuple):
    """A name, its value (None without an equals sign), and the line where it begins."""

    name: str
    value: str | None
    line: int


class DotenvMistake(NamedTuple):
    """A line that can't be read, and what was expected there; nothing of the line itself."""

    line: int
    expected: str


def read_dotenv(
    text: str, environment: Mapping[str, str], is_ours: Callable[[str], bool]
) -> tuple[list[Binding], list[DotenvMistake]]:
    """Read the text of a ``.env`` file as python-dotenv does, strictly.

    Parameters
    ----------
    text : str
        The whole file.
    environment : mapping
        Where ``${NAME}`` is looked up, after the lines above.
    is_ours : callable
        Whether a name is one that must not be lost.

    Returns
    -------
    bindings : list of Binding
        In the order of the file, with every ``${NAME}`` replaced.
    mistakes : list of DotenvMistake
        Lines that python-dotenv can't read; a quoted value that holds an assignment to one of our
        names, as an unclosed quote does; a ``${NAME}`` in one of our values that nothing sets.
    """
    bindings: list[Binding] = []
    mistakes: list[DotenvMistake] = []
    known: dict[str, str | None] = dict(environment)
    for parsed in parse_stream(io.StringIO(text)):
        source = parsed.original.string
        line = parsed.original.line + source[: len(source) - len(source.lstrip())].count("\n")
        key, value = parsed.key, parsed.value
        if parsed.error or (key and value is None and not key.isidentifier()):
            mistakes.append(DotenvMistake(line, "NAME=value, every quote closed"))
        elif _sets_ours(source.strip().split("\n")[1:], is_ours):
            mistakes.append(
                DotenvMistake(line, "a closing quote before the lines that set morosidad's names")
            )
        if key is None:
            continue
        if value is not None:
            value, missing = _interpolated(value, known)
            if missing and is_ours(key):
                mistakes.append(DotenvMistake(line, "each ${NAME} to be set, or ${NAME:-default}"))
        known[key] = value
        bindings.append(Binding(key, value, line))
    return bindings, mistakes


def _sets_ours(lines: list[str], is_ours: Callable[[str], bool]) -> bool:
    """Tell whether the further lines of one quoted value set a name of ours."""
    matches = map(_NAME_AND_EQUALS.match, lines)
    return any(match is not None and is_ours(match[1]) for match in matches)


def _interpolated(value: str, known: Mapping[str, str | None]) -> tuple[str, bool]:
    """Replace each ``${NAME}``; and tell whether one is not set, or nothing at all comes out."""
    atoms = list(parse_variables(value))
    variables = [atom for atom in atoms if isinstance(atom, Variable)]
    unset = any(known.get(of.name) is None and (of.default is None or of.name in known) for of in variables)
    result = "".join(atom.resolve(known) for atom in atoms)
    return result, unset or (not result and any(of.default is None for of in variables))
