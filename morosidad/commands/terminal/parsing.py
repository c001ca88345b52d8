"""The parser of arguments, speaking the language of the command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from morosidad.errors import SettingsError
from morosidad.languages import LANGUAGES, Language, say, words
from morosidad.languages.catalogue import DEFAULT, is_language

VARIABLE = "MOROSIDAD_LANGUAGE"


class Parser(argparse.ArgumentParser):
    """A parser whose commands all take ``--language``, before them or after.

    Parameters
    ----------
    *arguments, **options
        As in `argparse.ArgumentParser`.
    language : {'es', 'en', 'pt'}
        Of the help.
    """

    def __init__(self, *arguments: Any, language: Language = DEFAULT, **options: Any) -> None:
        self.language: Language = language
        super().__init__(*arguments, **options)
        add_language(self, self.told("help_language"))

    def told(self, name: str) -> str:
        """Give a text of the command line by its name.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        str
        """
        return words(self.language, "commands")[name]


def add_language(parser: argparse.ArgumentParser, text: str | None = None) -> None:
    """Take the language, which stays as it was where it is not given.

    Parameters
    ----------
    parser : ArgumentParser
        Where to add it.
    text : str, optional
        The help.
    """
    parser.add_argument("--language", choices=LANGUAGES, default=argparse.SUPPRESS, help=text)


def teller(arguments: argparse.Namespace) -> Callable[..., str]:
    """Give what finds a text of the command line by its name.

    Parameters
    ----------
    arguments : Namespace
        With the ``language``.

    Returns
    -------
    callable
        Takes the name, and what the placeholders stand for.
    """
    language: Language = arguments.language

    def tell(text: str, **values: object) -> str:
        return say(language, f"commands.{text}", **values)

    return tell


def language_of(argv: Sequence[str] | None, environment: Mapping[str, str] = os.environ) -> Language:
    """Find the language before the arguments are parsed: their errors are in it.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process when not given.
    environment : mapping
        Where MOROSIDAD_LANGUAGE stands where the arguments name no language; else ``.env`` and the file of
        settings do.

    Returns
    -------
    {'es', 'en', 'pt'}

    Raises
    ------
    SettingsError
        If MOROSIDAD_LANGUAGE names no language.
    """
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--language", nargs="?")
    given = finder.parse_known_args(argv)[0].language
    if is_language(given):
        return given
    if wanted := environment.get(VARIABLE, "").strip().lower():
        if is_language(wanted):
            return wanted
        raise SettingsError([f"{VARIABLE} (environment): expected one of {', '.join(LANGUAGES)}"])
    return _of_settings(environment)


def _of_settings(environment: Mapping[str, str]) -> Language:
    """Give the language of the files of settings, where they name one; who needs them checks them."""
    from morosidad.settings.sources import DOTENV, SETTINGS_FILE

    file = environment.get(SETTINGS_FILE)
    if not (Path(DOTENV).is_file() or file):
        return DEFAULT
    from morosidad.settings.setting_types import choice
    from morosidad.settings.sources import SourceReader

    reader = SourceReader({"language": choice(*LANGUAGES)}, {"LANGUAGE": "language"})
    for values in (reader.dotenv(DOTENV, environment), reader.json(file)):
        found = values.get("language")
        if is_language(found):
            return found
    return DEFAULT


@contextmanager
def argparse_in(language: Language) -> Iterator[None]:
    """Let the standard library's parser speak a language.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        The language.

    Yields
    ------
    None
    """
    texts = dict(zip(words("en", "parsing").values(), words(language, "parsing").values(), strict=True))

    def translate(text: str) -> str:
        return texts.get(text, text)

    def translate_many(one: str, several: str, number: int) -> str:
        return translate(one if number == 1 else several)

    before = {name: getattr(argparse, name) for name in ("_", "ngettext")}
    setattr(argparse, "_", translate)  # noqa: B010 - it is no public name: what argparse took from gettext
    setattr(argparse, "ngettext", translate_many)  # noqa: B010
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(argparse, name, function)
