"""The user's reference rows, matched with the columns that a fitted pipeline takes.

Columns are matched by the names that the model keeps; where it keeps none, by the order of the
reference itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from morosidad._dataframes import as_pandas, missing_columns
from morosidad.errors import InvalidFrame
from morosidad.frames.layout import Container, FrameLayout
from morosidad.schema.inference import check_kind

if TYPE_CHECKING:
    import pandas as pd


class Reference(NamedTuple):
    """Rows of the kind that a pipeline was fitted on.

    Attributes
    ----------
    own : DataFrame or ndarray, of shape (n_rows, n_columns)
        The user's own rows, as the pipeline takes them: the judge is asked about these.
    frame : DataFrame of shape (n_rows, n_fields)
        The same rows, each column under the name of its field; without columns that the pipeline drops.
    layout : FrameLayout
        How the pipeline's columns are laid out.
    dropped : tuple of str
        The columns that the pipeline drops or was not fitted on: they are no fields.
    """

    own: Any
    frame: pd.DataFrame
    layout: FrameLayout
    dropped: tuple[str, ...] = ()


def read_reference(estimator: Any, reference: Any, names: Sequence[str] | None = None) -> Reference:
    """Match reference rows with a fitted pipeline.

    Parameters
    ----------
    estimator : object
        A fitted pipeline or classifier.
    reference : DataFrame or ndarray, of shape (n_rows, n_columns)
        Rows of the kind that it was fitted on.
    names : sequence of str, optional
        Names for the fields of columns that have none: one for each column, in order.

    Returns
    -------
    Reference

    Raises
    ------
    InvalidFrame
        If columns are missing, bear the same name, have names that are neither text nor integers, or
        stand in another order than the model was fitted on and it goes by place; if `names` does not
        fit the columns.
    """
    array = isinstance(reference, np.ndarray)
    if array and reference.ndim != 2:
        raise InvalidFrame(f"an array of two dimensions was expected, not of shape {reference.shape}")
    frame = _of_array(reference) if array else as_pandas(reference)
    if not len(frame):
        raise InvalidFrame("the reference has no rows")
    _refuse_doubles(frame.columns)
    given: list[Any] = list(frame.columns)
    kept = kept_names(estimator)
    own: Any = reference if array else frame
    if kept is not None and not array:
        own = frame = _by_name(estimator, frame, kept)
    _refuse_other_names(frame.columns)
    _check_width(estimator, frame.shape[1])
    fields = _field_names(list(frame.columns), names)
    columns = list(frame.columns)
    used = set(columns) if array or kept is None else used_columns(estimator, columns)
    chosen = {name: fields[name] for name in frame.columns if name in used}
    container: Container = "array" if array else "frame"
    for name in chosen:
        check_kind(fields[name], frame[name])
    layout = FrameLayout.of(frame, chosen, container)
    dropped = tuple(name for name in given if isinstance(name, str) and name not in chosen)
    return Reference(own, frame[list(chosen)].set_axis(list(chosen.values()), axis=1), layout, dropped)


def _of_array(array: Any) -> pd.DataFrame:
    """Give an array as a frame whose columns are named by their places."""
    import pandas as pd

    dtype = None if array.dtype.kind in "fiub" else object  # pandas reads a type of its own into texts
    return pd.DataFrame(array, columns=pd.RangeIndex(array.shape[1]), dtype=dtype)


def _refuse_doubles(names: Iterable[Any]) -> None:
    doubles = [str(name) for name, count in Counter(names).items() if count > 1]
    if doubles:
        raise InvalidFrame(f"columns bear the same name: {', '.join(doubles)}", doubles)


def _refuse_other_names(names: Iterable[Any]) -> None:
    """Refuse names that neither a record nor a file can hold, as those of several levels are."""
    other = [name for name in names if not isinstance(name, str | int | np.integer)]
    if other:
        words = "names of columns are text or integers; set others, as with frame.set_axis(names, axis=1)"
        raise InvalidFrame(f"{words}: {', '.join(map(repr, other))}", list(map(str, other)))


# -- names -------------------------------------------------------------------------------------


def kept_names(estimator: Any) -> list[Any] | None:
    """Give the names of the columns that a fitted model was given, where it keeps them.

    Parameters
    ----------
    estimator : object
        A fitted pipeline or classifier.

    Returns
    -------
    list or None
        None where it was fitted on columns without names, or keeps none.
    """
    found = getattr(estimator, "feature_names_in_", None)
    if found is not None:
        return [str(name) for name in found]
    steps = [step for _, step in getattr(estimator, "steps", ())]
    if steps:
        first = next((step for step in steps if step is not None and step != "passthrough"), None)
        return None if first is None else kept_names(first)
    for attribute, unnamed in (("feature_names_", str), ("feature_name_", "Column_{}".format)):
        found = getattr(estimator, attribute, None)
        if found is not None and len(found):
            names = [str(name) for name in found]
            return None if names == [unnamed(place) for place in range(len(names))] else names
    return None


def _by_name(estimator: Any, frame: pd.DataFrame, kept: list[Any]) -> pd.DataFrame:
    """Give the frame's columns that the model was fitted on, in its order."""
    if not any(isinstance(name, str) for name in frame.columns):  # boosters keep whole numbers as text
        own = {str(name): name for name in frame.columns}
        kept = [own.get(name, name) for name in kept]
    if list(frame.columns) == kept:
        return frame
    dropped = set(kept) - used_columns(estimator, kept)
    missing = [name for name in kept if name not in frame.columns and name not in dropped]
    if missing:
        raise missing_columns(missing, frame.columns)
    ordered = frame[[name for name in kept if name in frame.columns]]
    some = slice(0, 50)
    try:
        untouched = np.asarray(estimator.predict_proba(frame.iloc[some]))
    except Exception:  # it asks for its own columns, and says so
        return ordered
    if not np.array_equal(untouched, np.asarray(estimator.predict_proba(ordered.iloc[some])), equal_nan=True):
        raise InvalidFrame(
            f"{type(estimator).__name__} was fitted on other columns, or in another order, than the "
            f"reference has, and goes by place: give the columns {', '.join(kept[:20])}"
        )
    return ordered


def _check_width(estimator: Any, width: int) -> None:
    fitted = getattr(estimator, "n_features_in_", width)
    if kept_names(estimator) is None and fitted != width:
        raise InvalidFrame(f"the model was fitted on {fitted} unnamed columns; the reference has {width}")


def _field_names(columns: list[Any], names: Sequence[str] | None) -> dict[Any, str]:
    """Name the field of each column: its own name where that is text, else x0, x1, … or as given."""
    if names is not None:
        if len(names) != len(columns) or len(set(names)) != len(names):
            raise InvalidFrame(f"names: {len(columns)} different names were expected, one for each column")
        return dict(zip(columns, names, strict=True))
    if all(isinstance(name, str) for name in columns):
        return {name: name for name in columns}
    return {name: f"x{place}" for place, name in enumerate(columns)}


# -- columns that are dropped ------------------------------------------------------------------


def used_columns(estimator: Any, columns: Sequence[Any]) -> set[Any]:
    """Give the columns that a pipeline does not drop at once.

    Parameters
    ----------
    estimator : object
        A fitted pipeline or classifier.
    columns : sequence
        The columns that it was fitted on, in order.

    Returns
    -------
    set
        Those that a `ColumnTransformer` in front passes to some transformer; else all.
    """
    steps = [step for _, step in getattr(estimator, "steps", ())]
    first = next((step for step in steps if step is not None and step != "passthrough"), estimator)
    places = getattr(first, "_transformer_to_input_indices", None)
    if first is not estimator and places is None:
        return used_columns(first, columns) if hasattr(first, "steps") else set(columns)
    if places is None:
        return set(columns)
    used: set[int] = set()
    for name, transformer, _ in first.transformers_:
        if not (isinstance(transformer, str) and transformer == "drop"):
            used.update(int(place) for place in places.get(name, ()))
    return {columns[place] for place in used if place < len(columns)}
