"""The decisions of logs as data frames, some at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from morosidad.audit.lines import DecisionLine
from morosidad.audit.reading import Paths, absolute_paths, read
from morosidad.processes.paths import absolute

if TYPE_CHECKING:
    import pandas as pd

Keys = str | os.PathLike[str] | None
VALUE = "value."
"""What the columns of an applicant's values begin with; the field's name follows."""
_PLAIN = (
    "id", "time", "request_id", "schema", "policy", "probability", "confidence", "label", "outcome",
    "warnings", "cached", "degraded", "seconds", "memory", "cpu", "values_hash", "forgotten",
)  # fmt: skip
_TYPES = {
    "time": "datetime64[us, UTC]",
    "label": "int8",
    "degraded": "bool",
    "forgotten": "bool",
    **dict.fromkeys(("probability", "confidence", "seconds", "memory", "cpu"), "float64"),
}


class LogTable:
    """The decisions of logs as one table, which is read some rows at a time.

    Its columns are found by reading the logs once: every field that any line holds has one, of float64 where
    all its values are numbers, of bool where all are booleans and none is missing, and else of objects.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs; each is read from its oldest file on.
    keys : path, optional
        The file with the keys of values that may be erased; by default the one beside each log.

    Attributes
    ----------
    types : dict of str to str
        The data type of each column.

    Raises
    ------
    OSError
        There is no such log, or it can't be read.
    """

    def __init__(self, paths: Paths, *, keys: Keys = None) -> None:
        self._paths, self._keys = absolute_paths(paths), None if keys is None else absolute(keys)
        kinds: dict[str, set[str]] = {}
        for line in read(self._paths, keys=self._keys):
            for field, value in (line.values or {}).items():
                kinds.setdefault(field, set()).add(_kind(value))
        fields = {VALUE + field: _type(found) for field, found in kinds.items()}
        plain = {name: _TYPES.get(name, "object") for name in (*_PLAIN, *_facts())}
        self.types: dict[str, str] = plain | fields

    def chunks(self, rows: int = 50_000) -> Iterator[pd.DataFrame]:
        """Read the table piece by piece.

        Parameters
        ----------
        rows : int, default=50_000
            So many decisions at a time.

        Yields
        ------
        DataFrame of shape (at most `rows`, n_columns)
            In the order of the log; the first one may be empty.
        """
        import pandas as pd

        lines = read(self._paths, keys=self._keys)
        first = True
        while (some := list(islice(lines, rows))) or first:
            records = [_record(line) for line in some]
            columns = {
                name: pd.Series([record.get(name) for record in records], dtype=dtype)
                for name, dtype in self.types.items()
            }
            first = False
            yield pd.DataFrame(columns)


def frame(paths: Paths, *, keys: Keys = None) -> pd.DataFrame:
    """Read the decisions of logs into a data frame.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs; each is read from its oldest file on.
    keys : path, optional
        As in `LogTable`.

    Returns
    -------
    DataFrame of shape (n_decisions, n_columns)
        A column for each attribute of `DecisionLine` (``model``, ``model_version``, ``model_digest``;
        ``reasons`` and ``reason_codes`` are lists), and ``value.`` with the name of the field for each value.

    Raises
    ------
    OSError
        There is no such log, or it can't be read.
    """
    import pandas as pd

    return pd.concat(LogTable(paths, keys=keys).chunks(), ignore_index=True)


def find(paths: Paths, request_id: str, *, keys: Keys = None) -> Iterator[DecisionLine]:
    """Find the decisions on one request.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs.
    request_id : str
        The id of the request.
    keys : path, optional
        As in `LogTable`.

    Returns
    -------
    iterator of DecisionLine
        In the order of the log.
    """
    return (line for line in read(paths, keys=keys) if line.request_id == request_id)


def _record(line: DecisionLine) -> dict[str, Any]:
    record: dict[str, Any] = {name: getattr(line, name) for name in _PLAIN}
    record["warnings"] = list(line.warnings)
    record["model"], record["model_version"] = line.model.name, line.model.version
    record["model_digest"] = line.model.digest
    record["reasons"] = [reason.text for reason in line.reasons]
    record["reason_codes"] = [reason.code for reason in line.reasons]
    return record | {VALUE + field: value for field, value in (line.values or {}).items()}


def _facts() -> tuple[str, ...]:
    return "model", "model_version", "model_digest", "reasons", "reason_codes"


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return type(value).__name__
    return "number" if isinstance(value, int | float) and abs(value) <= 2**53 else "other"


def _type(kinds: set[str]) -> str:
    if kinds <= {"number", "NoneType"}:
        return "float64"
    return "bool" if kinds == {"bool"} else "object"
