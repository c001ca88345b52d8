"""The files that ``morosidad score`` writes: the decided rows, and those that could not be decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from morosidad.errors import InvalidFrame
from morosidad.frames.files.kinds import kind_of
from morosidad.frames.files.tables import Chunk
from morosidad.frames.files.writing import TableWriter
from morosidad.languages.translation import translated

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.scoring.scorer import Scorer


class DecidedFiles:
    """The files for good and bad rows, put in their places at the end; that for bad ones if there are some.

    Parameters
    ----------
    good, bad : str
        The files.
    records : bool
        Whether the rows are records, each with names of its own: what the file lacks is known at its end.
    """

    def __init__(self, good: str, bad: str, records: bool) -> None:
        self._paths, self._records = (good, bad), records
        self._writers: dict[str, Any] = {}
        self._names: set[str] = set()
        self.good = self.bad = 0

    def __enter__(self) -> DecidedFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.discard()

    def write(self, scorer: Scorer, chunk: Chunk, keep: list[str], options: dict[str, Any]) -> None:
        """Decide on some rows and write them down."""
        self._names |= set(chunk.names)
        if not self._records:
            _refuse_absent(keep, self._names)
        if not len(chunk.own):
            self._write_bad(scorer, chunk, None)
            return
        options = options | ({"missing_columns": "ignore"} if self._records else {})
        out = scorer.score_frame(chunk.fields, errors="coerce", **options)
        refused = out["probability"].isna().to_numpy()
        some = bool(refused.any())
        kept = _beside(chunk.own.reindex(columns=keep), ("row", *out.columns))
        good = kept[~refused].join(out[~refused]) if some else kept.join(out)
        good.insert(0, "row", good.index + 1)
        self._append(self._paths[0], good)
        self.good += len(good)
        if some or chunk.damaged:
            self._write_bad(scorer, chunk, refused)

    def finish(self, scorer: Scorer, keep: list[str], options: dict[str, Any]) -> None:
        """Put the files in their places."""
        import pandas as pd

        if self._records:
            _refuse_absent(keep, self._names)
            scorer.score_frame(pd.DataFrame(columns=sorted(self._names), dtype=object), **options)
        _, bad = self._paths
        if bad not in self._writers and Path(bad).is_file():
            Path(bad).unlink()  # it is from an earlier run, whose good rows are gone too
        for writer in self._writers.values():
            writer.finish()

    def _write_bad(self, scorer: Scorer, chunk: Chunk, refused: Any) -> None:
        own = chunk.own if refused is None else chunk.own[refused]
        errors = [str(error) for error in scorer.frame_errors(chunk.fields[refused])] if len(own) else []
        if self._records and kind_of(self._paths[1]).format != "json":
            own = _as_record(own)
        bad = _with_reasons(own, errors, chunk)
        bad["reason"] = [translated(reason, scorer.language, "errors") for reason in bad["reason"]]
        self._append(self._paths[1], bad)
        self.bad += len(bad)

    def _append(self, path: str, rows: pd.DataFrame) -> None:
        if path not in self._writers:
            self._writers[path] = TableWriter(path)
        self._writers[path].write(rows)


def _refuse_absent(keep: Sequence[str], names: Collection[str]) -> None:
    absent = [name for name in keep if name not in names]
    if absent:
        raise InvalidFrame(f"there is no column to keep: {', '.join(absent)}", absent)


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

    bad = _beside(own, ("row", "reason"))
    bad.insert(0, "row", bad.index + 1)
    bad.insert(1, "reason", errors)
    if not chunk.damaged:
        return bad
    width = len(own.columns)
    cells = [
        [row.place + 1, row.reason, *[cell or None for cell in row.cells[:width]]] for row in chunk.damaged
    ]
    filled = [[*row, *[None] * (width + 2 - len(row))] for row in cells]
    damaged = pd.DataFrame(filled, [row.place for row in chunk.damaged], bad.columns, dtype=object)
    return pd.concat([bad.astype(object), damaged]).sort_index().astype({"row": int})
