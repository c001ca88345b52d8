"""What libraries call otherwise in the oldest versions that are supported.

Nothing of it is imported before it is asked for.

| of scikit-learn | here | up to 1.5 | from 1.6 |
|---|---|---|---|
| tags | `allows_missing`, `Tagged` | ``_get_tags``, ``_more_tags`` | ``__sklearn_tags__`` |
| the model of `SelfTrainingClassifier` | `fitted_member` | ``base_estimator_`` | ``estimator_`` |
| checks of input | `validate_data` | a method of the estimator | a function |
| missing values in a check | `validate_data` | ``force_all_finite`` | ``ensure_all_finite`` |

| of pandas | here | up to 2 | from 3 |
|---|---|---|---|
| text with NaN | `as_text`, `pandas_dtype` | ``object`` | ``str`` |
| the same by Arrow | `arrow_text` | ``pyarrow_numpy``, from 2.3 as in 3 | ``StringDtype(na_value=nan)`` |

| of optbinning | here | up to 0.21 | from 1.0 |
|---|---|---|---|
| points of each variable | `points_of` | looked up in its table | ``Scorecard.transform`` |
"""

from __future__ import annotations

from collections import UserList
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def allows_missing(estimator: Any) -> bool:
    """Tell whether an estimator of scikit-learn takes rows in which a number is missing.

    Parameters
    ----------
    estimator : object
        An estimator.

    Returns
    -------
    bool
        What its tags say.
    """
    from sklearn.base import BaseEstimator

    if hasattr(BaseEstimator, "__sklearn_tags__"):
        return bool(estimator.__sklearn_tags__().input_tags.allow_nan)
    return bool(estimator._get_tags()["allow_nan"])


def pandas_dtype(name: str) -> Any:
    """Give the data type that a name stands for.

    Parameters
    ----------
    name : str
        As pandas writes it; ``str`` is text with NaN for a missing value.

    Returns
    -------
    numpy.dtype or pandas.api.extensions.ExtensionDtype
    """
    import numpy as np
    import pandas as pd

    found: Any = pd.api.types.pandas_dtype(name)
    return np.dtype(object) if found.kind == "U" else found


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give a column of texts in the data type that pandas itself gives them, with NaN where missing.

    Parameters
    ----------
    column : Series of shape (n_rows,)
        Texts.

    Returns
    -------
    Series of shape (n_rows,)
    """
    import pandas as pd

    usual: Any = pd.Series(["a"]).dtype
    return column.astype(usual).where(column.notna(), float("nan"))


def arrow_text() -> Any:
    """Give the data type of text that Arrow holds, with NaN where missing.

    Returns
    -------
    pandas.StringDtype
    """
    import pandas as pd

    of: Any = pd.StringDtype  # whose stubs know the newest pandas alone
    try:
        return of("pyarrow", na_value=float("nan"))
    except TypeError:  # before 2.3
        return of("pyarrow_numpy")


def columns_listed(chosen: Iterable[Any]) -> list[Any]:
    """List the columns of a part of a `ColumnTransformer`.

    Parameters
    ----------
    chosen : iterable
        Names, places or a mask.

    Returns
    -------
    list
        In 1.5 and 1.6 those of the remainder are in a list of its own kind, which warns who reads it.
    """
    return list(chosen.data if isinstance(chosen, UserList) else chosen)


def fitted_member(estimator: Any) -> Any:
    """Give the model that a `SelfTrainingClassifier` fitted last.

    Parameters
    ----------
    estimator : SelfTrainingClassifier
        Fitted.

    Returns
    -------
    estimator
    """
    return estimator.estimator_ if hasattr(estimator, "estimator_") else estimator.base_estimator_


def points_of(scorecard: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Give the points of each variable of an ``optbinning.Scorecard``.

    Parameters
    ----------
    scorecard : optbinning.Scorecard
        Fitted.
    frame : DataFrame of shape (n_rows, n_columns)
        Applicants.

    Returns
    -------
    DataFrame of shape (n_rows, n_variables)
    """
    if hasattr(scorecard, "transform"):
        given: pd.DataFrame = scorecard.transform(frame)
        return given
    missing = {"metric_special": "empirical", "metric_missing": "empirical"}
    bins = scorecard._transform(X=frame, metric="indices", **missing)
    table = scorecard.table(style="detailed")
    chosen = scorecard.binning_process_.get_support(names=True)
    points = {name: table["Points"][table["Variable"] == name].to_numpy() for name in chosen}
    found: pd.DataFrame = bins[list(chosen)].apply(
        lambda column: points[column.name][column.to_numpy().astype(int)]
    )
    return found


def validate_data(estimator: Any, X: Any, *, allow_nan: bool = False, **more: Any) -> Any:
    """Check the input of an estimator as scikit-learn does, and note its names and width where asked.

    Parameters
    ----------
    estimator : object
        The estimator.
    X : array-like of shape (n_samples, n_features)
        Its input.
    allow_nan : bool
        Whether numbers may be missing.
    **more : object
        What scikit-learn's function takes.

    Returns
    -------
    ndarray of shape (n_samples, n_features), or X itself with ``skip_check_array``
    """
    from sklearn.utils import validation

    finite = "allow-nan" if allow_nan else True
    if hasattr(validation, "validate_data"):
        checked: Any = validation.validate_data
        return checked(estimator, X, ensure_all_finite=finite, **more)
    if more.pop("skip_check_array", False):
        estimator._check_feature_names(X, reset=more["reset"])
        estimator._check_n_features(X, reset=more["reset"])
        return X
    return estimator._validate_data(X, force_all_finite=finite, **more)


class Tagged:
    """The tags of an estimator's input, in the words of every version; the first base of its class.

    Attributes
    ----------
    _input_tags : frozenset of str
        Which of ``allow_nan``, ``categorical`` and ``string`` hold.
    """

    _input_tags: frozenset[str] = frozenset({"allow_nan"})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        for name in self._input_tags:
            setattr(tags.input_tags, name, True)
        return tags

    def _more_tags(self) -> dict[str, Any]:
        kinds = sorted(self._input_tags - {"allow_nan"})
        return {"allow_nan": "allow_nan" in self._input_tags, "X_types": ["2darray", *kinds]}
