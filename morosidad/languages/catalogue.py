"""The lookup of texts: a language, a key of the form ``part.name``, and what the text's placeholders hold.

Each language is a folder of modules, one for each part, that hold a mapping of names to templates. All
languages have the same names and placeholders, so there is nothing to fall back on. A part is loaded when a
text of it is first needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeGuard, get_args

Language = Literal["es", "en", "pt"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "es"


@cache
def words(language: Language, part: str) -> Mapping[str, str]:
    """Give the templates of one part in a language.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        The language.
    part : str
        The name of its module, such as ``records``.

    Returns
    -------
    mapping of str to str
        Templates, with placeholders as in `str.format`.
    """
    templates: Mapping[str, str] = import_module(f"morosidad.languages.{language}.{part}").WORDS
    return templates


def say(language: Language, key: str, **values: object) -> str:
    """Give a text in a language.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        The language.
    key : str
        The part and the name of the text: ``part.name``.
    **values : optional
        What the placeholders stand for.

    Returns
    -------
    str
    """
    part, _, name = key.partition(".")
    figures = {
        place: _Figure(value, language) if _is_figure(value) else value for place, value in values.items()
    }
    return words(language, part)[name].format_map(figures)


def write_number(language: Language, value: float, template: str) -> str:
    """Write a number with the separators of a language.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        The language.
    value : float
        The number.
    template : str
        As in `format`, such as ``.1%``.

    Returns
    -------
    str
    """
    return format(value, template).translate(_separators(language))


def separators(language: Language) -> str:
    """Give the decimal sign of a language and what stands between groups of digits, as plotly takes them.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        The language.

    Returns
    -------
    str
        Two characters.
    """
    signs = _separators(language)
    return signs[ord(".")] + signs[ord(",")]


class _Figure:
    """A number that a template writes as its language does, where the template says how."""

    __slots__ = ("_language", "_value")

    def __init__(self, value: float, language: Language) -> None:
        self._value = value
        self._language: Language = language

    def __format__(self, template: str) -> str:
        return write_number(self._language, self._value, template) if template else format(self._value)

    def __str__(self) -> str:
        return str(self._value)


@cache
def _separators(language: Language) -> dict[int, str]:
    """Give what stands for a decimal point, between groups and for a percent sign, as on the pages."""
    pages = words(language, "pages")
    # groups apart by spaces where the point could be taken for a decimal one
    groups = "," if pages["decimal"] == "." else "\u202f"
    return str.maketrans({".": pages["decimal"], ",": groups, "%": pages["percent"]})


def _is_figure(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_language(value: object) -> TypeGuard[Language]:
    """Tell whether this names a language that there is a catalogue of.

    Parameters
    ----------
    value : object
        Whatever was given.

    Returns
    -------
    bool
    """
    return isinstance(value, str) and value in LANGUAGES


def check_language(value: object) -> Language:
    """Refuse what names no language.

    Parameters
    ----------
    value : object
        Whatever was given.

    Returns
    -------
    {'es', 'en', 'pt'}

    Raises
    ------
    ValueError
        If there is no catalogue of it.
    """
    if not is_language(value):
        raise ValueError(f"language: one of {', '.join(map(repr, LANGUAGES))} was expected")
    return value


class Message(str):
    """A text that can be said again in another language: where it is made, nobody knows yet who reads it.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        The language of the text itself.
    key : str
        As in `say`.
    **values
        As in `say`.

    Attributes
    ----------
    key : str
        As given.
    values : dict of str to object
        As given.
    """

    key: str
    values: dict[str, Any]

    def __new__(cls, language: Language, key: str, **values: Any) -> Message:
        """Make the text in its own language."""
        text = super().__new__(cls, say(language, key, **values))
        text.key, text.values = key, values
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, ("".join(self), self.key, self.values)

    def said(self, language: Language) -> str:
        """Give the text in another language.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            The language.

        Returns
        -------
        str
            A plain one.
        """
        values = {name: in_language(value, language) for name, value in self.values.items()}
        return say(language, self.key, **values)


def _restored(text: str, key: str, values: dict[str, Any]) -> Message:
    message = str.__new__(Message, text)
    message.key, message.values = key, values
    return message


def in_language(text: Any, language: Language) -> Any:
    """Give a message in a language; any other object as it is.

    Parameters
    ----------
    text : object
        A `Message`, or something else.
    language : {'es', 'en', 'pt'}
        The language.

    Returns
    -------
    object
    """
    return text.said(language) if isinstance(text, Message) else text
