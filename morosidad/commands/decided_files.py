"""The files that ``morosidad score`` writes: the decided rows, and those that could not be decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.errors import InvalidFrame
from morosidad.frames.files.kinds import kind_of
from morosidad.frames.files.tables import Chunk
from morosidad.frames.files.writing import TableWriter
from morosidad.languages.translation import translated
from morosidad.processes.paths import is_stream
from morosidad.scoring.frames.ids import RowIds, SeenIds, row_ids

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.scoring.scorer import Scorer


class Columns(NamedTuple):
    """What is taken from the columns of the file besides the fields.

    Attributes
    ----------
    keep : sequence of str
        Those to carry over.
    ids : str or None
        That with the ids of the requests.
    """

    keep: Sequence[str]
    ids: str | None


class DecidedFiles:
    """The files for good and bad rows, put in their places at the end; that for bad ones if there are some.

    Parameters
    ----------
    scorer : Scorer
        What decides.
    good, bad : str
        The files.
    columns : Columns
        What is taken from the file besides the fields.
    records : bool
        Whether the rows are records, each with names of its own: what the file lacks is known at its end.
    """

    def __init__(self, scorer: Scorer, good: str, bad: str, columns: Columns, records: bool) -> None:
        self._scorer, self._paths, self._columns, self._records = scorer, (good, bad), columns, records
        self._seen, self._names = SeenIds(), set[str]()
        self._writers: dict[str, TableWriter] = {}
        self.good: int = 0
        self.bad: int = 0

    def __enter__(self) -> DecidedFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.discard()

    def write(self, chunk: Chunk, options: dict[str, Any]) -> None:
        """Decide on some rows and write them down."""
        self._names |= set(chunk.names)
        if self._records:
            wanted = [name for name in (*self._columns.keep, self._columns.ids) if name]
            absent = dict.fromkeys(name for name in wanted if name not in self._names)
            chunk = chunk._replace(own=chunk.own.assign(**absent) if absent else chunk.own)
            options = {**options, "missing_columns": "ignore"}
        else:
            self._refuse_absent()
        ids = self._ids(chunk.own)
        if not len(chunk.own):
            self._write_bad(chunk, np.zeros(0, dtype=bool), {})
            return
        out = self._scorer.score_frame(
            chunk.fields, errors="coerce", ids=None if ids is None else ids.texts, **options
        )
        refused = out["outcome"].isna().to_numpy()
        some = bool(refused.any())
        kept = _beside(chunk.own[list(self._columns.keep)], ("row", *out.columns))
        good = kept[~refused].join(out[~refused]) if some else kept.join(out)
        good.insert(0, "row", good.index + 1)
        self._append(self._paths[0], good)
        self.good += len(good)
        if some or chunk.damaged:
            self._write_bad(chunk, refused, {} if ids is None else ids.errors)

    def finish(self, options: dict[str, Any]) -> None:
        """Put the files in their places."""
        import pandas as pd

        if self._records:
            self._refuse_absent()
            none = pd.DataFrame(columns=sorted(self._names), dtype=object)
            self._ids(none)
            self._scorer.score_frame(none, **options)
        bad = self._paths[1]
        if bad not in self._writers and Path(bad).is_file() and not is_stream(bad):
            Path(bad).unlink()  # it is from an earlier run, whose good rows are gone too
        for writer in self._writers.values():
            writer.finish()

    def _ids(self, own: pd.DataFrame) -> RowIds | None:
        column = self._columns.ids
        return None if column is None else row_ids(own, column, self._scorer.schema, self._seen)

    def _refuse_absent(self) -> None:
        absent = [name for name in self._columns.keep if name not in self._names]
        if absent:
            raise InvalidFrame(f"there is no column to keep: {', '.join(absent)}", absent)

    def _write_bad(self, chunk: Chunk, refused: NDArray[np.bool_], ids: dict[int, Any]) -> None:
        own, language = chunk.own[refused], self._scorer.language
        errors = self._errors(chunk.fields, np.flatnonzero(refused).tolist(), ids)
        if self._records and kind_of(self._paths[1]).format != "json":
            own = _as_record(own)
        bad = _with_reasons(own, errors, chunk)
        bad["reason"] = [translated(reason, language, "errors") for reason in bad["reason"]]
        self._append(self._paths[1], bad)
        self.bad += len(bad)

    def _errors(self, fields: pd.DataFrame, places: list[int], ids: dict[int, Any]) -> list[str]:
        """Say what is wrong with each row that is refused: its id, or its values."""
        others = [place for place in places if place not in ids]
        why = self._scorer.frame_errors(fields.iloc[others]) if others else ()
        found = dict(zip(others, why, strict=True))
        return [str(ids.get(place) or found[place]) for place in places]

    def _append(self, path: str, rows: pd.DataFrame) -> None:
        if path not in self._writers:
            self._writers[path] = TableWriter(path)
        self._writers[path].write(rows)


def _beside(own: pd.DataFrame, results: Collection[str]) -> pd.DataFrame:
    """Rename columns of the file that are called as one of the results, as pandas does with doubled names."""
    taken, names = {*own.columns, *results}, {}
    for name in own.columns:
        if name in results:
            names[name] = next(new for n in range(1, len(taken) + 2) if (new := f"{name}.{n}") not in taken)
            taken.add(names[name])
    return own.rename(columns=names) if names else own


def _as_record(own: pd.DataFrame) -> pd.DataFrame:
    """Put each record into one column: records have names of their own, and a table has the same for all."""
    import pandas as pd

    texts = [msgspec.json.encode(record).decode() for record in own.to_dict("records")]
    return pd.DataFrame({"record": pd.Series(texts, own.index, dtype=object)})


def _with_reasons(own: pd.DataFrame, errors: list[str], chunk: Chunk) -> pd.DataFrame:
    """Give the refused rows and the damaged ones in the order of the file, with their numbers and reasons."""
    import pandas as pd

    width = len(own.columns)
    bad = _beside(own, ("row", "reason")).copy()
    bad.insert(0, "row", bad.index + 1)
    bad.insert(1, "reason", errors)
    if not chunk.damaged:
        return bad
    cells = [
        [row.place + 1, row.reason, *[cell or None for cell in row.cells[:width]]] for row in chunk.damaged
    ]
    filled = [[*row, *[None] * (width + 2 - len(row))] for row in cells]
    damaged = pd.DataFrame(filled, [row.place for row in chunk.damaged], bad.columns, dtype=object)
    return pd.concat([bad.astype(object), damaged]).sort_index().astype({"row": int})
