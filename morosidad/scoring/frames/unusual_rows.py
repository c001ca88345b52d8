"""Rows of a frame that no record can express: None where the model knows NaN, and answers otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.compiler.pipeline import rows_of
from morosidad.errors import InvalidRecord
from morosidad.frames.absent import FROM_FILE, NONE, WORDS, way_of
from morosidad.frames.reading import read_frame
from morosidad.frames.unusual_missing import unusual_cells
from morosidad.schema.record_forms import field_error
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd


class UnusualRows:
    """The rows of a frame with a value missing in another way than the model's usual one.

    Parameters
    ----------
    model : StoredModel
        What answers.
    table : DataFrame of shape (n_rows, n_columns)
        The rows, each column under a name that the schema knows.
    given : object
        The frame as it came. One that is not of pandas, or comes from a file, has one way to be missing.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,), bool
        Which they are.
    """

    def __init__(self, model: StoredModel, table: pd.DataFrame, *, given: Any) -> None:
        self._model = model
        self._table = table
        self._aliases = {field.name: tuple(field.aliases) for field in model.schema.fields}
        layout = model.compiled.layout
        told = type(given).__module__.startswith(("pandas", "numpy")) and not table.attrs.get(FROM_FILE)
        self._cells = unusual_cells(table, layout, self._aliases) if told and layout is not None else {}
        self.rows: NDArray[np.bool_] = np.zeros(len(table), dtype=bool)
        for cells in self._cells.values():
            self.rows |= cells

    def ask_original(self, found: Floats, labels: NDArray[np.bool_]) -> None:
        """Fill in the answers of the original, where the model holds it.

        Parameters
        ----------
        found : ndarray of shape (n_rows,), float64
            The probability of each row; changed in place.
        labels : ndarray of shape (n_rows,), bool
            Whether its label is that of default; changed in place.

        Raises
        ------
        PredictionError
            If the original fails on all of them.
        """
        original = self._model.compiled.original
        if original is None or not self._cells:
            return
        columns, bad = read_frame(self._model.schema, self._table[self.rows])
        places = np.flatnonzero(self.rows)[~bad]
        rows = [list(row) for row in rows_of(self._model.schema, [column[~bad] for column in columns])]
        for field, cells in self._cells.items():
            place = self._model.schema.names.index(field)
            for row, at in zip(rows, places.tolist(), strict=True):
                if cells[at]:
                    cell = self._column(field).iloc[at]
                    row[place] = NONE if cell is None else cell
        asked = [tuple(row) for row in rows]
        try:
            answers = original.answers(asked) if asked else np.empty(0)
            known = ~np.isnan(answers)
            labelled = self._labels(
                [row for row, good in zip(asked, known, strict=True) if good], answers[known]
            )
        except Exception as error:  # its text may hold values of a row
            raise self._model.failed(error) from None
        found[places] = answers
        labels[places[known]] = labelled

    def _labels(self, rows: list[Any], answers: Floats) -> Any:
        compiled = self._model.compiled
        if compiled.own_labels and compiled.original is not None and rows:
            return compiled.original.defaults(rows)
        return self._model.over_threshold(answers)

    def _column(self, field: str) -> pd.Series[Any]:
        names = (field, *self._aliases.get(field, ()))
        return self._table[next(name for name in names if name in self._table.columns)]

    def error(self, place: int) -> InvalidRecord | None:
        """Say what is unusual about a row.

        Parameters
        ----------
        place : int
            The row.

        Returns
        -------
        InvalidRecord or None
            None where nothing is.
        """
        layout, language = self._model.compiled.layout, self._model.language
        usual = {} if layout is None else {column.field: WORDS[column.absent] for column in layout.columns}
        errors = [
            field_error(
                language,
                "missing_otherwise",
                "ausente",
                field,
                given=WORDS[way_of(self._column(field).iloc[place])],
                usual=usual[field],
            )
            for field, cells in self._cells.items()
            if cells[place]
        ]
        return InvalidRecord(errors) if errors else None
