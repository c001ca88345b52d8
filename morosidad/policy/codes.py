"""The lender's reason codes: a catalogue of what may be said about fields, and in which words."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from morosidad.errors import SettingsError
from morosidad.languages import LANGUAGES, Language
from morosidad.policy.policy_file import LARGEST
from morosidad.schema.wording import Words, pick, words_problem

MOST = 1_000
"""Codes of one catalogue."""
LONGEST = 40
"""Characters of a code."""


class ReasonCode(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A reason of the lender's: its code, the fields that it stands for, and its words.

    Parameters
    ----------
    code : str
        1 to 40 signs without spaces.
    fields : sequence of str
        Names of fields. The contributions of several add up to one reason.
    text : str, or mapping of str to str, optional
        What is said where they raise the risk, for all languages or for each; by default the words made of
        the field's label.
    advice : str, or mapping of str to str, optional
        What the applicant can do about it, for notices.

    Raises
    ------
    SettingsError
        Naming everything that is wrong.
    """

    code: str
    fields: tuple[str, ...]
    text: Words = ""
    advice: Words = ""

    def __post_init__(self) -> None:
        given: dict[str, Any] = {name: getattr(self, name) for name in self.__struct_fields__}
        code, fields, words = given["code"], given["fields"], words_problem((self.text, self.advice))
        problems = []
        if not isinstance(code, str) or not 0 < len(code) <= LONGEST or not code.isprintable() or " " in code:
            problems.append(f"codes: a code of 1 to {LONGEST} signs without spaces was expected")
        named = isinstance(fields, Iterable) and not isinstance(fields, str)
        names = list(islice(fields, MOST + 1)) if named else []
        if not 0 < len(names) <= MOST or not all(isinstance(name, str) and name for name in names):
            problems.append(f"codes: {code!a}: names of fields were expected")
        if words:
            problems.append(f"codes: {code!a}: {words}")
        if problems:
            raise SettingsError(problems)
        force_setattr(self, "fields", tuple(dict.fromkeys(names)))

    def text_in(self, language: Language) -> str:
        """Give what is said, in a language.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            Where there is none in it, that in Spanish is given.

        Returns
        -------
        str
            Empty where the catalogue has no words.
        """
        return pick(self.text, language)

    def advice_in(self, language: Language) -> str:
        """Give the advice, in a language.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            As in `text_in`.

        Returns
        -------
        str
        """
        return pick(self.advice, language)


def as_catalogue(given: object) -> tuple[ReasonCode, ...]:
    """Give reason codes in order.

    Parameters
    ----------
    given : mapping of str to str, or iterable of (ReasonCode or mapping)
        The code of each field; or a catalogue.

    Returns
    -------
    tuple of ReasonCode
        Each code once, each field once.

    Raises
    ------
    SettingsError
        Naming everything that is wrong.
    """
    if isinstance(given, Mapping):
        fields: dict[str, list[str]] = {}
        for field, code in islice(given.items(), MOST + 1):
            fields.setdefault(code, []).append(field)
        given = [ReasonCode(code, tuple(names)) for code, names in fields.items()]
    if isinstance(given, str | bytes | ReasonCode) or not isinstance(given, Iterable):
        raise SettingsError(["codes: the code of each field, or a sequence of ReasonCode was expected"])
    codes: list[ReasonCode] = []
    problems: list[str] = []
    for place, one in enumerate(islice(given, MOST + 1)):
        try:
            codes.append(one if isinstance(one, ReasonCode) else msgspec.convert(one, ReasonCode))
        except msgspec.ValidationError as error:
            problems.append(f"codes: {place}: {error}")
    problems += _twice("two reasons have the code", [one.code for one in codes])
    problems += _twice("two reasons name the field", [name for one in codes for name in one.fields])
    if len(codes) > MOST:
        problems = [f"codes: at most {MOST} were expected"]
    if problems:
        raise SettingsError(problems)
    return tuple(codes)


def _twice(words: str, names: list[str]) -> list[str]:
    seen: set[str] = set()
    return [f"codes: {words} {name!a}" for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def read_codes(path: str | os.PathLike[str]) -> tuple[ReasonCode, ...]:
    """Read a catalogue of reason codes from a file.

    Parameters
    ----------
    path : path-like
        JSON, a list of objects with the parameters of `ReasonCode` or an object of the codes of fields; or,
        where it ends in ``.csv``, a table in UTF-8 with the columns ``code``, ``fields`` (names apart by
        ``;``), and ``text``, ``advice``, or each of a language: ``text_es``, ``advice_en``.

    Returns
    -------
    tuple of ReasonCode

    Raises
    ------
    SettingsError
        If there is no such file, or it holds something else.
    """
    name = Path(path).name
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise SettingsError([f"{name}: {error.strerror or type(error).__name__}"]) from None
    if len(content) > LARGEST:
        raise SettingsError([f"{name}: at most {LARGEST} bytes were expected"])
    try:
        table = Path(path).suffix.lower() == ".csv"
        data = _of_csv(content.decode("utf-8-sig")) if table else msgspec.json.decode(content)
    except (ValueError, RecursionError, csv.Error, msgspec.MsgspecError) as error:
        raise SettingsError([f"{name}: {error}"]) from None
    return as_catalogue(data)


def _of_csv(text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    columns = {"code", "fields", *_words("text"), *_words("advice")}
    if strange := [str(column) for column in reader.fieldnames or () if column not in columns]:
        raise ValueError(
            f"no such columns: {', '.join(strange[:20])}; there are {', '.join(sorted(columns))}"
        )
    return [_of_row(row) for row in reader]


def _words(name: str) -> list[str]:
    return [name, *(f"{name}_{language}" for language in LANGUAGES)]


def _of_row(row: Mapping[str | None, Any]) -> dict[str, Any]:
    if None in row or None in row.values():
        raise ValueError("a row has more or fewer cells than there are columns")
    found: dict[str, Any] = {"code": row.get("code", "").strip()}
    found["fields"] = [part.strip() for part in row.get("fields", "").split(";") if part.strip()]
    for name in ("text", "advice"):
        each = {language: row.get(f"{name}_{language}", "").strip() for language in LANGUAGES}
        found[name] = {key: words for key, words in each.items() if words} or row.get(name, "").strip()
    return found
