"""Preprocessor: a transformer that scikit-learn takes for its own, with one row as good as many."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from morosidad.errors import InvalidFrame, SettingsError
from morosidad.preprocessor import Preprocessor
from morosidad.schema.ahorro_valle import AHORRO_VALLE
from morosidad.schema.field import Field, Observed
from morosidad.schema.schema import Schema
from morosidad.training.datasets import make_applicants
from preprocessor.applicants import FRAME, SCHEMA, VARIANTS


class OnContinuousData(Preprocessor):
    """Without the tag for which scikit-learn rounds the data of its checks."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = False
        return tags


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        Preprocessor(),
        Preprocessor(encoding="ordinal", add_indicator=True, min_frequency=2),
        OnContinuousData(),
    ]
)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


# -- what it computes ----------------------------------------------------------------------------


def test_numbers_are_imputed_and_scaled_booleans_are_0_and_1_categories_have_a_column_each() -> None:
    out = Preprocessor(SCHEMA, missing="impute").set_output(transform="pandas").fit_transform(FRAME)
    assert list(out.columns) == [
        "monto",
        "edad",
        "casado",
        "zona_urbana",
        "zona_rural",
        "zona_isla",
        "nivel_3",
        "nivel_1",
    ]
    amounts = np.array([1, 2, 2.5, 6, 3])
    np.testing.assert_allclose(out["monto"], (amounts - amounts.mean()) / amounts.std())
    np.testing.assert_allclose(out["edad"], (FRAME["edad"] - 40) / np.sqrt(200))
    assert out["casado"].tolist() == [1, 1, 0, 1, 1]
    assert out["zona_rural"].tolist() == [1, 0, 1, 1, 1]
    assert out["zona_isla"].tolist() == [0] * 5
    assert out["nivel_1"].tolist() == [1, 0, 1, 1, 1]
    assert out.index.equals(FRAME.index)


def test_ordinal_codes_are_the_places_in_the_schema_and_unknown_is_minus_one() -> None:
    fitted = Preprocessor(SCHEMA, missing="impute", encoding="ordinal", scale=False).fit(FRAME)
    assert fitted.get_feature_names_out().tolist() == ["monto", "edad", "casado", "zona", "nivel"]
    row = {"monto": 7, "edad": 1, "casado": False, "zona": "isla", "nivel": 3}
    unknown = row | {"zona": "luna", "nivel": 9}
    assert fitted.transform(pd.DataFrame([row, unknown])).tolist() == [[7, 1, 0, 2, 0], [7, 1, 0, -1, -1]]


def test_indicators_stand_last_for_the_fields_with_gaps_or_those_named() -> None:
    asked = Preprocessor(SCHEMA, add_indicator=True).fit(FRAME)
    names = asked.get_feature_names_out().tolist()
    assert [name for name in names if name.startswith("missing")] == [
        f"missingindicator_{name}" for name in ("zona", "monto", "casado", "nivel")
    ]
    assert (
        asked.transform(FRAME)[:, -4:].tolist()
        == FRAME.isna()[["zona", "monto", "casado", "nivel"]].astype(float).to_numpy().tolist()
    )
    named = Preprocessor(SCHEMA, add_indicator=("edad",)).fit(FRAME)
    assert named.get_feature_names_out()[-1] == "missingindicator_edad"
    assert named.transform(FRAME.assign(edad=[1, None, 2, 3, 4]))[:, -1].tolist() == [0, 1, 0, 0, 0]


def test_what_is_missing_is_indicated_kept_or_imputed() -> None:
    gaps = FRAME.isna().sum().sum()
    assert not np.isnan(Preprocessor(SCHEMA).fit_transform(FRAME)).any()
    named = Preprocessor(SCHEMA).fit(FRAME).get_feature_names_out().tolist()
    assert sum(name.startswith("missingindicator_") for name in named) == 4
    kept = Preprocessor(SCHEMA, missing="keep", encoding="ordinal").fit(FRAME)
    assert np.isnan(kept.transform(FRAME)).sum() == gaps
    columns = Preprocessor(SCHEMA, missing="keep").fit(FRAME).get_feature_names_out().tolist()
    assert [name for name in columns if name.endswith("_nan")] == ["zona_nan", "nivel_nan"]
    empty = Preprocessor(SCHEMA, missing="keep").fit(FRAME.assign(monto=np.nan, zona=None))
    assert not [name for name in empty.get_feature_names_out() if name.startswith(("monto", "zona"))]
    record = {"edad": 30, "monto": None, "zona": None, "casado": None, "nivel": 1}
    one = np.array(kept.transform_one(record))
    row = kept.transform(pd.DataFrame([record]))[0]
    assert np.array_equal(one, row, equal_nan=True)


def test_what_was_pickled_before_imputes_as_it_did() -> None:
    fitted = Preprocessor(SCHEMA, missing="impute").fit(FRAME)
    state = fitted.__getstate__()
    del state["missing"]
    old = Preprocessor.__new__(Preprocessor)
    old.__setstate__(state)
    assert old.missing == "impute"
    assert (clone(old).fit_transform(FRAME) == fitted.transform(FRAME)).all()


def test_rare_and_unknown_categories_are_taken_as_one() -> None:
    fitted = Preprocessor(SCHEMA, min_frequency=2).set_output(transform="pandas").fit(FRAME)
    out = fitted.transform(FRAME.assign(zona=["rural", "urbana", "isla", "luna", None]))
    assert out["zona_infrequent_sklearn"].tolist() == [0, 1, 1, 1, 0]
    assert out["zona_rural"].tolist() == [1, 0, 0, 0, 1]


def test_without_min_frequency_an_unknown_category_is_all_zeros() -> None:
    fitted = Preprocessor(SCHEMA).fit(FRAME)
    assert fitted.transform(FRAME.assign(zona="luna"))[:, 3:6].tolist() == [[0, 0, 0]] * 5


def test_levels_are_those_declared_then_those_observed_then_those_in_the_data() -> None:
    field = Field("c", "category", observed=Observed(categories=("z", "m")))
    fitted = Preprocessor(Schema([field])).fit(pd.DataFrame({"c": ["b", "z", "a"]}))
    assert fitted.get_feature_names_out().tolist() == ["c_z", "c_m", "c_a", "c_b"]


@pytest.mark.parametrize("options", VARIANTS, ids=repr)
def test_columns_without_a_single_value_are_fitted_all_the_same(options: dict[str, Any]) -> None:
    empty = FRAME.assign(zona=None, monto=np.nan, casado=None, nivel=None)
    fitted = Preprocessor(SCHEMA, **options).fit(empty)
    for frame in (empty, FRAME):
        assert np.isfinite(fitted.transform(frame)).all()
    assert (
        fitted.transform_one({})
        == fitted.transform(pd.DataFrame([{}], columns=list(SCHEMA.names)))[0].tolist()
    )


def test_a_category_of_which_nothing_is_known_has_no_column() -> None:
    schema = Schema([Field("a", "number"), Field("c", "category")])
    fitted = Preprocessor(schema, missing="impute").fit(pd.DataFrame({"a": [1.0, 2.0], "c": [None, None]}))
    assert fitted.get_feature_names_out().tolist() == ["a"]
    only = Preprocessor(Schema([Field("c", "category")]), missing="impute").fit(pd.DataFrame({"c": [None]}))
    assert only.transform(pd.DataFrame({"c": ["x"]})).shape == (1, 0)


def test_columns_that_would_bear_the_same_name_are_told_apart() -> None:
    schema = Schema([Field("a_b", "number"), Field("a", "category", categories=("b",))])
    fitted = Preprocessor(schema).set_output(transform="pandas")
    out = fitted.fit_transform(pd.DataFrame({"a_b": [1.0], "a": ["b"]}))
    assert list(out.columns) == ["numbers__a_b", "categories__a_b"]
    with sklearn.config_context(transform_output="pandas"):
        again = Preprocessor(schema).fit_transform(pd.DataFrame({"a_b": [1.0], "a": ["b"]}))
    pd.testing.assert_frame_equal(again, out)


def test_the_parts_are_scikit_learns_own() -> None:
    fitted = Preprocessor(SCHEMA, add_indicator=True).fit(FRAME)
    parts = [fitted.transformer_]
    for part in parts:
        assert type(part).__module__.startswith("sklearn.")
        parts += [item for _, item, _ in getattr(part, "transformers_", ()) if not isinstance(item, str)]
        parts += [item for _, item in getattr(part, "steps", ())]
    assert len(parts) == 9


# -- what it takes -------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, float("nan")], ids=repr)
def test_every_way_to_say_missing_gives_the_same_numbers(missing: object) -> None:
    fitted = Preprocessor(SCHEMA, add_indicator=True).fit(FRAME)
    gaps = FRAME.astype(object).where(FRAME.notna(), missing)
    np.testing.assert_array_equal(fitted.transform(gaps), fitted.transform(FRAME))
    np.testing.assert_array_equal(clone(fitted).fit_transform(gaps), fitted.transform(FRAME))


@pytest.mark.parametrize(
    "dtypes",
    [
        {"zona": "string", "monto": "Float64", "casado": "boolean", "edad": "Int64", "nivel": "Int64"},
        {"zona": "category", "monto": "float32", "casado": "category", "edad": "uint8", "nivel": "category"},
        {"zona": object, "monto": object, "casado": object, "edad": object, "nivel": object},
        {"casado": float, "edad": "category", "nivel": float},
    ],
    ids=["nullable", "category", "object", "float"],
)
def test_the_columns_dtypes_do_not_matter(dtypes: dict[str, Any]) -> None:
    expected = Preprocessor(SCHEMA).fit_transform(FRAME)
    np.testing.assert_array_equal(Preprocessor(SCHEMA).fit_transform(FRAME.astype(dtypes)), expected)


def test_other_frames_than_pandas_are_taken() -> None:
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    fitted = Preprocessor(SCHEMA).fit(polars.from_pandas(FRAME))
    np.testing.assert_array_equal(fitted.transform(polars.from_pandas(FRAME)), fitted.transform(FRAME))


def test_with_a_schema_columns_are_found_by_name() -> None:
    fitted = Preprocessor(SCHEMA).fit(FRAME)
    mixed = FRAME.assign(apellido="x")[["apellido", *reversed(SCHEMA.names)]]
    np.testing.assert_array_equal(fitted.transform(mixed), fitted.transform(FRAME))
    assert fitted.feature_names_in_.tolist() == list(SCHEMA.names)
    assert clone(fitted).fit(mixed).n_features_in_ == 5


@pytest.mark.parametrize("X", [FRAME.to_numpy(), FRAME.set_axis(range(5), axis=1), FRAME.to_numpy().tolist()])
def test_columns_without_names_are_the_schemas_fields_in_order(X: Any) -> None:
    fitted = Preprocessor(SCHEMA).fit(X)
    np.testing.assert_array_equal(fitted.transform(X), Preprocessor(SCHEMA).fit_transform(FRAME))
    assert not hasattr(fitted, "feature_names_in_")
    assert fitted.get_feature_names_out()[0] == "monto"


def test_without_a_schema_one_is_inferred() -> None:
    fitted = Preprocessor().fit(FRAME)
    assert fitted.schema is None
    assert fitted.schema_ == Schema.infer(FRAME)
    assert Preprocessor().fit([[1, 2.5], [2, 3.5]]).schema_.names == ("x0", "x1")
    assert Preprocessor(SCHEMA).fit(FRAME).schema_ is SCHEMA


def test_without_a_schema_columns_must_be_those_of_fit() -> None:
    fitted = Preprocessor().fit(FRAME)
    with pytest.raises(ValueError, match="same order"):
        fitted.transform(FRAME[list(reversed(SCHEMA.names))])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"monto": "mucho"}, "something else than numbers"),
        ({"monto": True}, "booleans where numbers"),
        ({"monto": np.inf}, "infinity"),
        ({"monto": 1j}, "something else than numbers"),
        ({"monto": pd.Timestamp(0)}, "something else than numbers"),
        ({"edad": "30"}, "something else than integers"),
        ({"casado": "si"}, "something else than booleans"),
        ({"casado": 2}, "numbers where booleans"),
        ({"zona": 3}, "something else than categories as text"),
        ({"zona": True}, "something else than categories as text"),
        ({"nivel": "x"}, "something else than integer categories"),
        ({"nivel": 1.5}, "something else than integer categories"),
    ],
    ids=repr,
)
def test_a_column_of_another_kind_is_refused_by_name_and_without_its_values(
    changes: dict[str, Any], message: str
) -> None:
    wrong = FRAME.assign(**changes)
    for act in (Preprocessor(SCHEMA).fit, Preprocessor(SCHEMA).fit(FRAME).transform):
        with pytest.raises(InvalidFrame, match=message) as caught:
            act(wrong)
        assert caught.value.columns == tuple(changes)
        assert "mucho" not in str(caught.value)


def test_values_that_can_not_be_compared_are_refused() -> None:
    with pytest.raises(InvalidFrame, match="something else than categories"):
        Preprocessor(SCHEMA).fit(FRAME.assign(zona=[[1]] * 5))


def test_missing_columns_are_named_and_a_wrong_number_is_told() -> None:
    with pytest.raises(InvalidFrame, match="missing: monto, nivel") as caught:
        Preprocessor(SCHEMA).fit(FRAME.drop(columns=["nivel", "monto"]))
    assert caught.value.columns == ("monto", "nivel")
    with pytest.raises(InvalidFrame, match="3 columns, but the schema has 5"):
        Preprocessor(SCHEMA).fit(FRAME.to_numpy()[:, :3])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"encoding": "target"}, "encoding"),
        ({"strategy": "constant"}, "strategy"),
        ({"add_indicator": ["edad", "altura"]}, "'altura' is no field"),
    ],
)
def test_wrong_parameters_are_refused_at_fit(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        Preprocessor(SCHEMA, **options).fit(FRAME)
    assert len(caught.value.problems) == 1


def test_before_fit_there_is_nothing_to_transform_with() -> None:
    unfitted = Preprocessor(SCHEMA)
    for act in (
        lambda: unfitted.transform(FRAME),
        lambda: unfitted.transform_one({}),
        unfitted.get_feature_names_out,
    ):
        with pytest.raises(NotFittedError):
            act()


# -- among scikit-learn's own --------------------------------------------------------------------


def test_it_works_in_a_grid_search_over_a_pipeline() -> None:
    frame = make_applicants(400, seed=2)
    X, y = frame.drop(columns="moroso_12m"), frame["moroso_12m"]
    pipeline = make_pipeline(Preprocessor(AHORRO_VALLE), LogisticRegression(max_iter=1000))
    grid = {
        "preprocessor__encoding": ["onehot", "ordinal"],
        "preprocessor__min_frequency": [None, 0.02],
        "preprocessor__schema": [AHORRO_VALLE, None],
    }
    search = GridSearchCV(pipeline, grid, cv=2, scoring="roc_auc", error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_score_ > 0.6


def test_it_can_be_cloned_copied_and_pickled() -> None:
    fitted = Preprocessor(SCHEMA, add_indicator=["zona"]).fit(FRAME)
    one = fitted.transform_one({"edad": 3})
    assert clone(fitted).get_params() == fitted.get_params()
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(again.transform(FRAME), fitted.transform(FRAME))
        assert again.transform_one({"edad": 3}) == one


def test_a_global_wish_for_frames_changes_the_wrapping_alone() -> None:
    expected = Preprocessor(SCHEMA).fit(FRAME).transform(FRAME)
    with sklearn.config_context(transform_output="pandas"):
        out = Preprocessor(SCHEMA).fit(FRAME).transform(FRAME)
    assert isinstance(out, pd.DataFrame)
    np.testing.assert_array_equal(out.to_numpy(), expected)


def test_names_out_are_checked_against_the_names_in() -> None:
    fitted = Preprocessor(SCHEMA, missing="impute").fit(FRAME)
    assert len(fitted.get_feature_names_out(list(SCHEMA.names))) == 8
    with pytest.raises(ValueError, match="not equal to feature_names_in_"):
        fitted.get_feature_names_out(["a"] * 5)
