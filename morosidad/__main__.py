"""The command line: ``python -m morosidad``, installed as ``morosidad``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from morosidad._version import __version__
from morosidad.commands.terminal.output import readable_output
from morosidad.commands.terminal.parsing import Parser, argparse_in, language_of
from morosidad.errors import MorosidadError, SettingsError
from morosidad.languages import Language, say
from morosidad.languages.catalogue import DEFAULT
from morosidad.languages.translation import translated

COMMANDS = ("demo", "train", "compile", "score", "inspect", "policy", "audit", "serve", "key")
"""In the order of the help, which says what each does."""

OK, SOME_BAD, FAILED = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process when not given.

    Returns
    -------
    int
        0 when all went well, 1 when it went on but something needs a look (bad rows), 2 when it
        could not be done.
    """
    with readable_output():
        try:
            language = language_of(argv)
        except SettingsError as error:
            return _failed(error, DEFAULT)
        with argparse_in(language):
            return _run(argv, language)


def _run(argv: Sequence[str] | None, language: Language) -> int:
    arguments = _parser(language).parse_args(argv)
    arguments.chosen = hasattr(arguments, "language")
    arguments.language = language = getattr(arguments, "language", language)
    try:
        return int(import_module(f"morosidad.commands.{arguments.command}").run(arguments))
    except MorosidadError as error:
        return _failed(error, language)
    except KeyboardInterrupt:
        print(f"morosidad: {say(language, 'commands.interrupted')}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _parser(language: Language) -> Parser:
    description = say(language, "commands.description")
    parser = Parser(prog="morosidad", description=description, language=language)
    told, version = say(language, "parsing.version"), f"morosidad {__version__}"
    parser.add_argument("--version", action="version", version=version, help=told)
    commands = parser.add_subparsers(dest="command", required=True, metavar=parser.told("command"))
    for name in COMMANDS:
        summary = parser.told(name)
        command = commands.add_parser(name, help=summary, description=summary, language=language)
        import_module(f"morosidad.commands.{name}").add_arguments(command)
    return parser


def _failed(error: MorosidadError, language: Language) -> int:
    """Say what went wrong, in the language of the command line as far as it has the words."""
    told = error.problems if isinstance(error, SettingsError) else (str(error),)
    print(f"morosidad: {'; '.join(translated(text, language, 'errors') for text in told)}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
