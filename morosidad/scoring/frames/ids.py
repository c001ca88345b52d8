"""The ids of a frame's rows: texts, one for each row, none twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad.errors import InvalidFrame, InvalidRecord
from morosidad.languages import Language
from morosidad.schema.record_forms import field_error
from morosidad.schema.schema import Schema
from morosidad.schema.values import is_text, plain
from morosidad.schema.wording import LONGEST

if TYPE_CHECKING:
    import pandas as pd


class RowIds:
    """The ids of some rows, and what is wrong with those that are none.

    Parameters
    ----------
    ids : sequence
        Texts or integers, one for each row.
    language : {'es', 'en', 'pt'}
        Of the errors.
    seen : SeenIds, optional
        The ids of earlier rows, which may not come again; those of these rows are added.

    Attributes
    ----------
    texts : list of (str or None)
        The id of each row; None where there is none.
    errors : dict of int to InvalidRecord
        By the row's place: its id is missing, is no text or too long a one, or stands in an earlier row too.
    """

    def __init__(self, ids: Sequence[Any], language: Language, seen: SeenIds | None = None) -> None:
        self.texts: list[str | None] = []
        self.errors: dict[int, InvalidRecord] = {}
        for place, value in enumerate(ids):
            text, problem = _read(value)
            self.texts.append(None if problem else text)
            if problem:
                self._refuse(place, problem, language)
        places = [place for place, text in enumerate(self.texts) if text is not None]
        new = (seen or SeenIds()).add([self.texts[place] or "" for place in places])
        for at in np.flatnonzero(~new).tolist():
            self.texts[places[at]] = None
            self._refuse(places[at], "repeated_id", language)

    def _refuse(self, place: int, problem: str, language: Language) -> None:
        kind = {"missing": "falta", "a_text": "tipo", "too_long": "rango"}.get(problem, "duplicado")
        error = field_error(language, problem, kind, "request_id", longest=LONGEST)
        self.errors[place] = InvalidRecord([error])

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Which rows have no id of their own, shape (n_rows,)."""
        return np.array([text is None for text in self.texts], dtype=bool)

    def refuse(self) -> None:
        """Raise `InvalidFrame` if a row has no id of its own: how many, and what is wrong with the first."""
        if self.errors:
            first = min(self.errors)
            bad, every = len(self.errors), len(self.texts)
            message = f"{bad} of {every} rows have no id of their own; the first is row {first}: "
            raise InvalidFrame(message + str(self.errors[first]), ["request_id"])


class SeenIds:
    """Remembers ids by their 64-bit hashes: two of ten million are taken for one with a chance of 3e-6.

    It takes 8 bytes for each id: sorted runs, of which those of about one length are merged.
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.int64]] = []

    def add(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Remember ids; return which are new, the first of several equal ones too."""
        hashes = np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts))
        found, first = np.unique(hashes, return_index=True)
        unseen = np.ones(len(found), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, found), len(run) - 1)
            unseen &= run[places] != found
        new = np.zeros(len(texts), dtype=bool)
        new[first[unseen]] = True
        if unseen.any():
            self._runs.append(found[unseen])
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            merged = np.concatenate([self._runs.pop(), self._runs.pop()])
            merged.sort()
            self._runs.append(merged)
        return new


def row_ids(
    table: pd.DataFrame, ids: str | Iterable[Any], schema: Schema, seen: SeenIds | None = None
) -> RowIds:
    """Read the ids of a frame's rows.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The rows.
    ids : str or iterable
        The column that holds them, or the ids themselves.
    schema : Schema
        What a record is: none of its fields may be the id.
    seen : SeenIds, optional
        The ids of earlier rows.

    Returns
    -------
    RowIds

    Raises
    ------
    InvalidFrame
        If there is no such column, if it is a field of the model, or if there is not one id a row.
    """
    if isinstance(ids, str):
        if ids in {*schema.names, *(alias for field in schema.fields for alias in field.aliases)}:
            raise InvalidFrame(f"the column of ids is a field of the model: {ids}", [ids])
        if list(table.columns).count(ids) != 1:
            raise InvalidFrame(f"one column of ids was expected: {ids}", [ids])
        ids = table[ids].tolist()
    found = list(ids)
    if len(found) != len(table):
        raise InvalidFrame(f"{len(table)} ids were expected, not {len(found)}")
    return RowIds(found, schema.language, seen)


def _read(value: Any) -> tuple[str, str | None]:
    """Give an id as text, and what is wrong with it."""
    if type(value) is str and value and value.isascii():
        return value, None if len(value) <= LONGEST else "too_long"
    try:
        value = plain(value)
    except (TypeError, ValueError):
        return "", "a_text"
    if value is None or value == "":
        return "", "missing"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)  # pandas' own way with integers of which some are missing
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if value.bit_length() < 3 * LONGEST else "9" * (LONGEST + 1)
    if not isinstance(value, str) or not is_text(value):
        return "", "a_text"
    return value, None if len(value) <= LONGEST else "too_long"
