"""The layout of a model's own frame: its container, its columns in order, their data types.

A fitted pipeline may answer otherwise about ``float32`` than about ``float64``, about a pandas
category than about text, about None than about NaN. The layout records what the user's own frame
holds, so that a frame of one record is made as that frame was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from morosidad.frames.absent import NONE, Absent, ways_of
from morosidad.frames.compatibility import pandas_dtype
from morosidad.schema.field import Row, Value

if TYPE_CHECKING:
    import pandas as pd

Container = Literal["frame", "array"]
Level = str | int | float | bool


class ColumnLayout(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column of the frame that a model was fitted on.

    Attributes
    ----------
    name : str or int
        Its name in the frame; its place in an array.
    field : str
        The field of a record that it holds.
    dtype : str
        Its data type as pandas writes it; ``category`` for a pandas category.
    categories : tuple of (str, int, float or bool), or None
        The levels of a pandas category, in their order.
    levels_dtype : str
        Data type of those levels.
    ordered : bool
        Whether they are ordered.
    absent : {'nan', 'none', 'na'}
        What a missing value is in a column of objects.
    distinguishes : bool
        Whether the column holds values that are missing in several ways; of a model's own layout,
        whether the model answers otherwise about them. A record can't say which of them it means.
    """

    name: str | int
    field: str
    dtype: str
    categories: tuple[Level, ...] | None = None
    levels_dtype: str = ""
    ordered: bool = False
    absent: Absent = "nan"
    distinguishes: bool = False

    @classmethod
    def of(cls, name: str | int, field: str, column: pd.Series[Any]) -> ColumnLayout:
        """Record a column.

        Parameters
        ----------
        name : str or int
            Its name.
        field : str
            The field that it holds.
        column : Series of shape (n_rows,)
            The column, as the user's frame has it.

        Returns
        -------
        ColumnLayout
        """
        import pandas as pd

        dtype: Any = column.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            levels = tuple(dtype.categories.tolist())
            return cls(name, field, "category", levels, str(dtype.categories.dtype), bool(dtype.ordered))
        if dtype.kind != "O" or not isinstance(dtype, np.dtype):
            return cls(name, field, str(dtype))
        absent, several = ways_of(column)
        return cls(name, field, "object", absent=absent, distinguishes=several)

    @property
    def narrow(self) -> Literal["float16", "float32"] | None:
        """The data type that a number is rounded to, where that is narrower than float64."""
        name = self.dtype.lower().partition("[")[0]
        if name in ("float16", "halffloat"):
            return "float16"
        return "float32" if name in ("float32", "float") and self.dtype != "float64" else None

    @property
    def whole_limits(self) -> tuple[float, float] | None:
        """The least and the greatest integer that a nullable or an arrow type holds; others are widened."""
        name = self.dtype.lower().partition("[")[0]
        if name == self.dtype or name.lstrip("u") not in ("int8", "int16", "int32", "int64"):
            return None
        info = np.iinfo(name)
        high = float(info.max)
        return float(info.min), high if high <= info.max else float(np.nextafter(high, 0.0))

    def pandas_dtype(self) -> Any:
        """Give the data type itself.

        Returns
        -------
        numpy.dtype or pandas.api.extensions.ExtensionDtype
        """
        import pandas as pd

        if self.categories is None:
            return pandas_dtype(self.dtype)
        levels = pd.Index(list(self.categories), dtype=self.levels_dtype or None)
        return pd.CategoricalDtype(levels, self.ordered)


class FrameLayout(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the user's own frame is laid out.

    Attributes
    ----------
    columns : tuple of ColumnLayout
        The columns that the model is given, in order.
    container : {'frame', 'array'}
        A pandas data frame, or a numpy array.
    """

    columns: tuple[ColumnLayout, ...]
    container: Container = "frame"

    @classmethod
    def of(
        cls, frame: pd.DataFrame, fields: Mapping[Any, str], container: Container = "frame"
    ) -> FrameLayout:
        """Record the layout of a frame.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            The user's own frame, or an array's columns under their places.
        fields : mapping of column name to field name
            Which columns are fields of a record; the others are left out.
        container : {'frame', 'array'}
            What the model is given.

        Returns
        -------
        FrameLayout
        """
        chosen = [name for name in frame.columns if name in fields]
        columns = [ColumnLayout.of(_plain(name), fields[name], frame[name]) for name in chosen]
        return cls(tuple(columns), container)


class FrameBuilder:
    """Makes frames of validated records as the user's own frame is laid out.

    Parameters
    ----------
    layout : FrameLayout
        The columns and their data types.
    names : sequence of str
        The fields of a record, in the order of its values.
    """

    def __init__(self, layout: FrameLayout, names: Sequence[str]) -> None:
        self.layout = layout
        self._places = [names.index(column.field) for column in layout.columns]
        self._makers = [_maker(column) for column in layout.columns]
        self._names = [column.name for column in layout.columns]
        kinds = {column.dtype for column in layout.columns}
        self._single: Any = (
            np.dtype(kinds.pop()) if len(kinds) == 1 and kinds <= {"float64", "float32"} else None
        )
        self._whole = self._places == list(range(len(names)))
        self._index: Any = None

    def frame(self, rows: Sequence[Row]) -> Any:
        """Make the frame of some records.

        Parameters
        ----------
        rows : sequence of tuple
            Validated values of each record.

        Returns
        -------
        DataFrame or ndarray, of shape (n_rows, n_columns)
        """
        import pandas as pd

        if self._index is None:
            self._index = pd.Index(self._names)
        if self._single is not None:
            cells = self._table(rows)
            return cells if self.layout.container == "array" else pd.DataFrame(cells, columns=self._index)
        columns = {
            name: make([row[place] for row in rows])
            for name, make, place in zip(self._names, self._makers, self._places, strict=True)
        }
        if self.layout.container == "frame":
            return pd.DataFrame(columns, columns=self._index, copy=False)
        return _stacked(list(columns.values()), len(rows))

    def _table(self, rows: Sequence[Row]) -> Any:
        places = self._places
        cells = rows if self._whole else [[row[place] for place in places] for row in rows]
        with np.errstate(over="ignore"):  # None becomes NaN
            return np.array(cells, dtype=self._single).reshape(len(rows), len(places))


def _stacked(columns: list[Any], n_rows: int) -> Any:
    """Put columns side by side in one array, of the type that holds them all."""
    if not columns:
        return np.empty((n_rows, 0))
    kinds = {column.dtype for column in columns}
    dtype: Any = object if np.dtype(object) in kinds else np.result_type(*kinds)
    return np.column_stack([np.asarray(column).astype(dtype, copy=False) for column in columns])


# -- one column --------------------------------------------------------------------------------


Maker = Callable[[list[Value]], Any]


def _maker(column: ColumnLayout) -> Maker:
    """Choose how a column's cells are made of values."""
    dtype = column.pandas_dtype()
    if column.categories is not None:
        return _categories(dtype)
    if not isinstance(dtype, np.dtype):
        return lambda values: _extension(values, dtype)
    if dtype.kind == "O":
        absent = _missing_object(column.absent)
        return lambda values: _objects(values, absent)
    if dtype.kind == "f":
        return lambda values: _floats(values, dtype)
    return lambda values: _whole(values, dtype)


def _categories(dtype: Any) -> Maker:
    import pandas as pd

    codes = {level: code for code, level in enumerate(dtype.categories.tolist())}

    def make(values: list[Value]) -> Any:
        places = [-1 if value is None else codes.get(value, -1) for value in values]
        return pd.Categorical.from_codes(places, dtype=dtype)

    return make


def _extension(values: list[Value], dtype: Any) -> Any:
    import pandas as pd

    if dtype.kind in "iu":  # a whole number is held as a float after validation
        values = [value if value is None else int(value) for value in values]
    return pd.array(values, dtype=dtype)


def _missing_object(way: Absent) -> Any:
    import pandas as pd

    return {"none": None, "nan": float("nan"), "na": pd.NA}[way]


def _objects(values: list[Value], absent: Any) -> Any:
    """Make a column of objects; a bare array would become one of text, and its None a NaN."""
    import pandas as pd

    cells = np.empty(len(values), dtype=object)
    cells[:] = [absent if value is None else None if value is NONE else value for value in values]
    return pd.Index(cells, dtype=object)  # half the time of a Series, and no other type is read into it


def _floats(values: Iterable[Value], dtype: np.dtype[Any]) -> Any:
    nan = float("nan")
    with np.errstate(over="ignore"):
        return np.array([nan if value is None else value for value in values], dtype=dtype)


def _whole(values: list[Value], dtype: np.dtype[Any]) -> Any:
    """Make a column of integers or booleans; wider where a value is missing or does not fit."""
    if None in values:
        return _floats(values, np.dtype(np.float64))
    if dtype.kind == "b":
        return np.array(values, dtype=bool)
    whole = np.array([int(value) for value in values if value is not None])
    limits = np.iinfo(dtype)
    fits = not len(whole) or (whole.min() >= limits.min and whole.max() <= limits.max)
    return whole.astype(dtype) if fits else whole


def _plain(name: Any) -> Any:
    return name.item() if isinstance(name, np.generic) else name
