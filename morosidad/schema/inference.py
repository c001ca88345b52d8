"""Schema inference: fields with observed ranges and categories from a data frame."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad._dataframes import as_pandas
from morosidad.errors import InvalidFrame, SuspectedCodesWarning
from morosidad.schema.field import Field, FieldKind, Observed
from morosidad.schema.values import MissingGiven, as_codes, is_text, plain

if TYPE_CHECKING:
    import pandas as pd


def infer_fields(frame: pd.DataFrame, target: str | None, missing: MissingGiven = ()) -> list[Field]:
    """Infer one field for each column but the target, with what the column holds as observed limits.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Numbers, booleans, text or pandas categories.
    target : str or None
        The column that becomes no field.
    missing : codes
        Values that mean missing, as `Schema` takes them.

    Returns
    -------
    list of Field
        In the order of the columns.

    Raises
    ------
    InvalidFrame
        If it is no data frame, the target is missing, or a column is of a kind that no field has
        (dates, mixed).
    """
    frame = as_pandas(frame)
    if target is not None and target not in frame.columns:
        raise InvalidFrame(f"the target column {target!r} is missing", [str(target)])
    names = [column for column in frame.columns if column != target]
    unnamed = [repr(name) for name in list[object](names) if not isinstance(name, str)]
    if unnamed:
        raise InvalidFrame("columns need names that are text", unnamed)
    doubles = [name for name, n in Counter(names).items() if n > 1]
    if doubles:
        raise InvalidFrame(f"columns bear the same name: {', '.join(doubles)}", doubles)
    from morosidad.schema.suspected import suspected_codes

    codes = [code for code, _ in as_codes(missing)]
    fields = []
    suspected: dict[str, list[Any]] = {}
    for name in names:
        check_kind(name, frame[name])
        present = _present(frame[name], codes)
        fields.append(_infer_field(name, present, len(present) < len(frame)))
        if found := suspected_codes(present):
            suspected[name] = found
    if suspected:
        warnings.warn(SuspectedCodesWarning(suspected), stacklevel=3)
    return fields


def _present(column: pd.Series[Any], codes: Sequence[Any]) -> pd.Series[Any]:
    """Give the values that are there and mean something, of their own type where they are objects."""
    import pandas.api.types as kinds

    present = column.dropna()
    if codes and not kinds.is_bool_dtype(present.dtype):
        present = present[~present.isin([*codes, *map(str, codes)])]
    if present.dtype == object:
        present = present.map(plain)
        decimals = kinds.infer_dtype(present) == "decimal"
        present = present.astype(float) if decimals else present.infer_objects()
    return present


def _infer_field(name: str, present: pd.Series[Any], missing: bool) -> Field:
    import pandas.api.types as kinds

    if kinds.is_bool_dtype(present.dtype):
        return Field(name, "boolean", observed=Observed(missing=missing or present.empty))
    if present.empty:
        return Field(name, "number")
    if kinds.is_numeric_dtype(present.dtype) and not kinds.is_complex_dtype(present.dtype):
        kind: FieldKind = "integer" if kinds.is_integer_dtype(present.dtype) else "number"
        low, high = float(present.min()), float(present.max())
        if np.isinf([low, high]).any():
            raise InvalidFrame(f"column {name!r} holds infinity", [name])
        return Field(name, kind, observed=Observed(low, high, None, missing))
    try:
        levels = [read_level(name, level) for level in present.unique()]
    except TypeError:  # what can't be hashed is no category
        raise InvalidFrame(f"column {name!r} holds neither numbers nor categories as text", [name]) from None
    if len({type(level) for level in levels}) > 1:
        raise InvalidFrame(f"column {name!r} mixes numbers and categories as text", [name])
    if not all(is_text(level) for level in levels if isinstance(level, str)):
        raise InvalidFrame(f"column {name!r} holds text with lone surrogates", [name])
    return Field(name, "category", observed=Observed(None, None, tuple(sorted(levels)), missing))


def check_kind(name: str, column: pd.Series[Any]) -> None:
    """Make sure that a column holds no moments, durations, complex numbers or sparse values.

    Parameters
    ----------
    name : str
        The column's name, for the error.
    column : Series of shape (n_rows,)
        Of any data type.

    Raises
    ------
    InvalidFrame
        If it does: what it holds, and what to turn it into.
    """
    import pandas as pd

    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    kind = _OF_DTYPE.get(getattr(dtype, "kind", "O"))
    if kind is None and isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        kind = "dates" if isinstance(dtype, pd.PeriodDtype) else "intervals"
    if isinstance(dtype, pd.SparseDtype):
        kind = "sparse values"
    if kind is None and (not isinstance(dtype, np.dtype) or dtype.kind == "O"):
        some = column.dropna()
        cells = some.cat.categories if isinstance(some.dtype, pd.CategoricalDtype) else some.to_numpy(object)
        kind = _OF_OBJECTS.get(pd.api.types.infer_dtype(cells, skipna=True))
    if kind is not None:
        raise InvalidFrame(f"column {name!r} holds {kind}: {_ADVICE[kind]}", [name])


_OF_DTYPE = {"M": "dates", "m": "durations", "c": "complex numbers"}
_OF_OBJECTS = {
    **dict.fromkeys(("date", "datetime", "datetime64", "period"), "dates"),
    **dict.fromkeys(("timedelta", "timedelta64"), "durations"),
    "time": "times of day",
    "complex": "complex numbers",
    "interval": "intervals",
}
_ADVICE = {
    "sparse values": "make the column dense, with column.sparse.to_dense(), before the pipeline",
    "dates": "turn them into numbers, such as days until then, before the pipeline",
    "durations": "turn them into numbers, such as column.dt.total_seconds() / 86_400 for days",
    "times of day": "turn them into numbers, such as hours since midnight",
    "complex numbers": "turn them into real numbers, such as two columns",
    "intervals": "turn them into text, or into the numbers of their ends",
}


def read_level(name: str, level: Any) -> str | int:
    """Read one level of a column of categories.

    Parameters
    ----------
    name : str
        The column's name, for the error.
    level : object
        A text, an integer, or a float without decimals.

    Returns
    -------
    str or int

    Raises
    ------
    InvalidFrame
        If it is anything else.
    """
    if isinstance(level, float) and level.is_integer():
        level = int(level)
    if isinstance(level, str) or (hasattr(level, "__index__") and not isinstance(level, bool)):
        return str(level) if isinstance(level, str) else int(level)
    raise InvalidFrame(f"column {name!r} holds neither numbers nor categories as text", [name])
