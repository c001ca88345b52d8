"""The names that libraries had before: each answers as the newest one."""

from __future__ import annotations

import warnings
from collections import UserList
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils import validation

from morosidad.frames import compatibility as names

FRAME = pd.DataFrame({"a": [1.0, np.nan], "b": [2.0, 3.0]})


class Old:
    """An estimator as before scikit-learn 1.6, which notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def _get_tags(self) -> dict[str, bool]:
        return {"allow_nan": True}

    def _check_feature_names(self, X: Any, *, reset: bool) -> None:
        self.asked.append(("names", reset))

    def _check_n_features(self, X: Any, *, reset: bool) -> None:
        self.asked.append(("width", reset))

    def _validate_data(self, X: Any, **settings: Any) -> Any:
        self.asked.append(settings)
        return np.asarray(X)


def test_whether_missing_values_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names.allows_missing(HistGradientBoostingClassifier())
    assert not names.allows_missing(LogisticRegression())
    monkeypatch.delattr(BaseEstimator, "__sklearn_tags__", raising=False)
    assert names.allows_missing(Old())


def test_input_is_checked_by_this_version() -> None:
    scaler: Any = StandardScaler()
    assert names.validate_data(scaler, FRAME, reset=True, skip_check_array=True) is FRAME
    assert scaler.feature_names_in_.tolist() == ["a", "b"]
    found = names.validate_data(scaler, FRAME, reset=False, allow_nan=True)
    np.testing.assert_array_equal(found, FRAME.to_numpy())
    with pytest.raises(ValueError, match="NaN"):
        names.validate_data(scaler, FRAME, reset=False)


def test_input_is_checked_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(validation, "validate_data", raising=False)
    old = Old()
    assert names.validate_data(old, FRAME, reset=True, skip_check_array=True) is FRAME
    assert old.asked == [("names", True), ("width", True)]
    names.validate_data(old, FRAME, reset=False, allow_nan=True, dtype=None)
    assert old.asked[2:] == [{"reset": False, "dtype": None, "force_all_finite": "allow-nan"}]


def test_tags_are_told_in_the_words_of_every_version() -> None:
    class Tagged(names.Tagged, BaseEstimator):  # type: ignore[misc]
        _input_tags = frozenset({"allow_nan", "string"})

    class Strict(names.Tagged, BaseEstimator):  # type: ignore[misc]
        _input_tags = frozenset({"categorical"})

    assert [names.allows_missing(each()) for each in (Tagged, Strict)] == [True, False]
    assert Tagged()._more_tags() == {"allow_nan": True, "X_types": ["2darray", "string"]}
    assert Strict()._more_tags() == {"allow_nan": False, "X_types": ["2darray", "categorical"]}


def test_columns_of_the_remainder_are_read_without_a_warning() -> None:
    class Remainder(UserList[int]):
        def __iter__(self) -> Iterator[int]:
            raise AssertionError("it would warn")

    assert names.columns_listed(Remainder([1, 2])) == [1, 2]
    assert names.columns_listed(np.array(["a"])) == ["a"]


def test_the_model_of_self_training() -> None:
    assert names.fitted_member(SimpleNamespace(estimator_="new")) == "new"
    assert names.fitted_member(SimpleNamespace(base_estimator_="old")) == "old"


@pytest.mark.parametrize("infer", [True, False])
def test_text_is_what_pandas_makes_of_it(infer: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from pandas 3 on the option is deprecated
        with pd.option_context("future.infer_string", infer):
            usual = pd.Series(["a", np.nan]).dtype
            column = names.as_text(pd.Series(["a", None], dtype=object))
            assert names.pandas_dtype("str") in (usual, object)
    assert column.dtype == usual
    assert column[0] == "a"
    assert isinstance(column[1], float)
    assert names.pandas_dtype("float32") == np.float32


def test_text_of_arrow_has_nan_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    assert np.isnan(pd.Series(["a", None], dtype=names.arrow_text())[1])

    def old(storage: str) -> str:
        return storage

    monkeypatch.setattr(pd, "StringDtype", old)
    assert names.arrow_text() == "pyarrow_numpy"


def test_points_are_looked_up_where_a_scorecard_gives_none() -> None:
    table = pd.DataFrame({"Variable": ["a", "a", "b"], "Points": [5.0, 7.0, 11.0]})
    places = pd.DataFrame({"a": [1, 0], "b": [0, 0], "not selected": [0, 0]})
    card: Any = SimpleNamespace(
        _transform=lambda X, **_: places,
        table=lambda style: table,
        binning_process_=SimpleNamespace(get_support=lambda names: np.array(["a", "b"])),
    )
    found = names.points_of(card, FRAME)
    assert found.to_dict("list") == {"a": [7.0, 5.0], "b": [11.0, 11.0]}
    card.transform = lambda frame: frame
    assert names.points_of(card, FRAME) is FRAME
