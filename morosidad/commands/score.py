"""``morosidad score``: decisions on the rows of a file in constant memory, bad rows in another file."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from morosidad.commands.options import add_csv, add_opening, check_output, load_scorer
from morosidad.commands.terminal.parsing import Parser, teller


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
    add_opening(parser)
    add_csv(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score piece by piece; 1 when there were bad rows."""
    from morosidad.frames.tables import read_table_chunks

    read = arguments.model, arguments.data
    check_output(arguments.output, *read)
    output = Path(arguments.output)
    bad_path = Path(arguments.bad) if arguments.bad else output.with_suffix(f".bad{output.suffix}")
    check_output(str(bad_path), *read, arguments.output)
    scorer = load_scorer(arguments)
    chunks = read_table_chunks(
        arguments.data,
        scorer.schema,
        sep=arguments.sep,
        encoding=arguments.encoding,
        progress=sys.stderr.isatty(),
    )
    keep = [name for name in arguments.keep.split(",") if name]
    with ExitStack() as stack:
        outputs = _OutputFiles(stack, output, bad_path, arguments.id_column)
        options = {
            "reasons": arguments.reasons,
            "missing_columns": "ignore" if arguments.allow_missing else "raise",
        }
        for chunk, fields in chunks:
            outputs.write(scorer, chunk, fields, keep, options)
    told = teller(arguments)
    print(told("rows_decided", number=outputs.good, path=arguments.output))
    if outputs.bad:
        print(told("bad_rows", number=outputs.bad, path=bad_path), file=sys.stderr)
    return 1 if outputs.bad else 0


class _OutputFiles:
    """The files for good and bad rows; the file for bad ones is there afterwards only if there are some."""

    def __init__(self, stack: ExitStack, good: Path, bad: Path, id_column: str | None) -> None:
        from morosidad.scoring.frames.ids import SeenIds

        self._id_column, self._seen = id_column, SeenIds()
        self._stack = stack
        self._paths = good, bad
        self._files: dict[Path, TextIO] = {}
        self.good = self.bad = 0

    def write(self, scorer: Any, chunk: Any, fields: Any, keep: list[str], options: dict[str, Any]) -> None:
        from morosidad.errors import InvalidFrame
        from morosidad.languages.translation import translated
        from morosidad.scoring.frames.ids import row_ids

        absent = [name for name in keep if name not in chunk.columns]
        if absent:
            raise InvalidFrame(f"there is no column to keep: {', '.join(absent)}", absent)
        ids = None
        if self._id_column is not None:
            ids = row_ids(chunk, self._id_column, scorer.schema, self._seen)
        out = scorer.score_frame(fields, errors="coerce", ids=ids and ids.texts, **options)
        refused = out["probability"].isna()
        rows = chunk.index + 1
        good = chunk.loc[~refused, keep].join(out[~refused])
        good.insert(0, "row", rows[~refused])
        for texts in {"warnings", "reasons"} & set(good):
            good[texts] = good[texts].map("; ".join)
        self._append(self._paths[0], good)
        self.good += len(good)
        if refused.any():
            bad = chunk[refused].copy()
            bad.insert(0, "row", rows[refused])
            errors = _errors(scorer, fields, refused, {} if ids is None else ids.errors)
            bad.insert(1, "reason", [translated(error, scorer.language, "errors") for error in errors])
            self._append(self._paths[1], bad)
            self.bad += len(bad)

    def _append(self, path: Path, rows: Any) -> None:
        from morosidad.errors import InvalidFrame

        first = path not in self._files
        if first:
            bad = self._paths[1]
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                if not self._files and bad.is_file():
                    bad.unlink()  # it is from an earlier run, whose good rows are gone too
            except OSError as error:
                raise InvalidFrame(f"{error.filename}: can't be written: {error.strerror}") from None
            file = os.fdopen(handle, "w", encoding="utf-8", newline="")
            self._files[path] = self._stack.enter_context(file)
        rows.to_csv(self._files[path], index=False, header=first)


def _errors(scorer: Any, fields: Any, refused: Any, ids: dict[int, Any]) -> list[str]:
    """Say what is wrong with each row that is refused: its id, or its values."""
    places = refused.to_numpy().nonzero()[0].tolist()
    others = [place for place in places if place not in ids]
    found = dict(zip(others, scorer.frame_errors(fields.iloc[others]) if others else (), strict=True))
    return [str(ids.get(place) or found[place]) for place in places]
