"""The command line: ``python -m morosidad``, installed as ``morosidad``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from morosidad._version import __version__
from morosidad.errors import MorosidadError

DESCRIPTION = "Credit decisions in microseconds from the scikit-learn model you already fitted."

COMMANDS = {
    "demo": "decide a handful of applicants, then measure and compare",
    "train": "train a model on a CSV file",
    "compile": "make a model file of a fitted pipeline",
    "score": "decide on the rows of a CSV file",
    "inspect": "show what a model file holds",
    "audit": "verify or replay a decision log",
    "serve": "put a model on the wire, with a form and a live dashboard",
    "key": "make an API key for the server",
}

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
    parser = argparse.ArgumentParser(prog="morosidad", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"morosidad {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        import_module(f"morosidad.commands.{name}").add_arguments(command)
    arguments = parser.parse_args(argv)
    try:
        return int(import_module(f"morosidad.commands.{arguments.command}").run(arguments))
    except MorosidadError as error:
        print(f"morosidad: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("morosidad: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


if __name__ == "__main__":
    sys.exit(main())
