"""``morosidad score``: decisions on the rows of a file in constant memory, bad rows in another file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from morosidad.commands.options import add_csv, add_opening, add_policy, check_output, load_scorer
from morosidad.commands.terminal.parsing import Parser, teller
from morosidad.errors import SettingsError
from morosidad.processes.paths import is_stream


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("model", help=parser.told("help_model"))
    parser.add_argument("data", help=parser.told("help_data"))
    parser.add_argument("-o", "--output", required=True, help=parser.told("help_decided"))
    parser.add_argument("--bad", help=parser.told("help_bad"))
    parser.add_argument("--keep", default="", help=parser.told("help_keep"))
    parser.add_argument("--id-column", metavar=parser.told("column"), help=parser.told("help_id_column"))
    parser.add_argument("--reasons", action="store_true", help=parser.told("help_reasons"))
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help=parser.told("help_allow_missing"),
    )
    add_policy(parser)
    add_opening(parser)
    add_csv(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score piece by piece; 1 when there were bad rows."""
    from morosidad.commands.decided_files import Columns, DecidedFiles
    from morosidad.frames.files.kinds import kind_of
    from morosidad.frames.files.tables import read_table_chunks
    from morosidad.frames.files.writing import check_writable

    read = arguments.model, arguments.data
    check_output(arguments.output, *read)
    bad_path = arguments.bad or _for_bad_rows(arguments.output)
    check_output(bad_path, *read, arguments.output)
    for path in (arguments.output, bad_path):
        check_writable(path)
    scorer = load_scorer(arguments)
    chunks = read_table_chunks(
        arguments.data,
        scorer.schema,
        sep=arguments.sep,
        encoding=arguments.encoding,
        progress=sys.stderr.isatty(),
    )
    keep = [name for name in arguments.keep.split(",") if name]
    options = {
        "reasons": arguments.reasons,
        "missing_columns": "ignore" if arguments.allow_missing else "raise",
    }
    records = kind_of(arguments.data).format == "json"
    columns = Columns(keep, arguments.id_column)
    with DecidedFiles(scorer, arguments.output, bad_path, columns, records) as outputs:
        for chunk in chunks:
            outputs.write(chunk, options)
            del chunk  # the next one takes its place, and does not stand beside it
        outputs.finish(options)
    told = teller(arguments)
    shown = sys.stderr if is_stream(arguments.output) else sys.stdout
    print(told("rows_decided", number=outputs.good, path=arguments.output), file=shown)
    if outputs.bad:
        print(told("bad_rows", number=outputs.bad, path=bad_path), file=sys.stderr)
    return 1 if outputs.bad else 0


def _for_bad_rows(output: str) -> str:
    """Put .bad before the endings of a file."""
    from morosidad.frames.files.kinds import kind_of

    path = Path(output)
    if is_stream(path):
        raise SettingsError([f"{output}: this is no regular file; name one for the bad rows, with --bad"])
    endings = "".join(path.suffixes[-2:]) if kind_of(output).compression else path.suffix
    return str(path.with_name(f"{path.name.removesuffix(endings)}.bad{endings}"))
