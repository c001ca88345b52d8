"""The words of a field: what a value must be, and what people call the field, in each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from morosidad.languages import LANGUAGES, Language

Words = str | dict[str, str]
"""Words for people: for all languages, or for each."""


class FieldWords(NamedTuple):
    """What people read about a field, in one language.

    Attributes
    ----------
    label, unit, help : str
        Empty where nothing was given.
    """

    label: str
    unit: str
    help: str


def pick(given: Words, language: Language) -> str:
    """Give words in a language.

    Parameters
    ----------
    given : str, or dict of str to str
        The words, or those of each language.
    language : {'es', 'en', 'pt'}
        The language.

    Returns
    -------
    str
        Where there are none in that language, those in Spanish; where there are none either, the first.
    """
    if isinstance(given, str):
        return given
    return given.get(language) or given.get("es") or next(iter(given.values()))


def words_problem(given: Sequence[object]) -> str | None:
    """Say what is wrong with words that were given for people.

    Parameters
    ----------
    given : sequence of object
        Each a text, or a mapping of languages to texts.

    Returns
    -------
    str or None
        None where nothing is.
    """
    for words in given:
        by_language = words if isinstance(words, Mapping) else {"es": words}
        if not by_language or not set(by_language) <= set(LANGUAGES):
            return f"words for people are a text, or texts by language ({', '.join(LANGUAGES)})"
        if not all(isinstance(text, str) for text in by_language.values()):
            return "label, unit and help are texts, or texts by language"
    return None


def from_name(name: str) -> str:
    """Make a label of a field's name.

    Parameters
    ----------
    name : str
        As in ``monto_credito``.

    Returns
    -------
    str
        As in ``Monto credito``.
    """
    words = name.replace("_", " ").strip()
    words = words.lower() if words.isupper() else words
    return words[:1].upper() + words[1:]
