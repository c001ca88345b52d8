"""Every transformer with a compiled form, set in every way that it can be."""

from __future__ import annotations

import numpy as np
import pytest
from compiler.versions import since
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from morosidad.compiler import NotCompilable, compile_transformer
from morosidad.preprocessor import Preprocessor
from morosidad.schema.schema import Field, Schema

NUMBERS = ["edad", "ingresos", "atrasos"]
TEXTS = ["empleo", "vivienda"]


def logistic():
    return LogisticRegression(C=0.1, max_iter=2000)


def encode():
    return OneHotEncoder(handle_unknown="ignore")


def impute_and_scale():
    return make_pipeline(SimpleImputer(), StandardScaler())


# -- what strings transformers together ------------------------------------------------------------


@pytest.mark.parametrize(
    "chosen",
    [
        NUMBERS,
        np.array(NUMBERS),
        [0, 1, 3],
        [-7, 1, -4],
        slice(0, 2),
        slice(None, 2),
        slice(0, 4, 3),
        slice("edad", "ingresos"),
        slice(None, "ingresos"),
        [True, True, False, True, False, False, False],
        np.array([True, False, False, True, False, False, False]),
        make_column_selector(pattern="edad|ingresos"),
        lambda frame: [name for name in frame.columns if name.startswith("a")],
        [],
    ],
    ids=lambda value: str(value).partition(" at 0x")[0],  # the same in every process
)
def test_column_transformer_takes_columns_chosen_in_any_way(chosen, applicants, compiled_as_fitted):
    parts = [("numbers", StandardScaler(), chosen), ("texts", encode(), TEXTS)]
    compiled_as_fitted(make_pipeline(ColumnTransformer(parts), logistic()), *applicants)


@pytest.mark.parametrize("remainder", ["drop", "passthrough", SimpleImputer(), impute_and_scale()], ids=str)
@pytest.mark.parametrize("middle", ["drop", "passthrough", StandardScaler()], ids=str)
def test_column_transformer_drops_passes_and_transforms_the_rest(
    middle, remainder, applicants, compiled_as_fitted
):
    frame, target = applicants
    numbers = frame[["edad", "ingresos", "deuda", "atrasos", "garante"]]
    if remainder == "passthrough":
        numbers = numbers.drop(columns="deuda")
    parts = [("first", StandardScaler(), ["ingresos"]), ("second", middle, ["atrasos"])]
    transformer = ColumnTransformer(parts, remainder=remainder)
    compiled_as_fitted(make_pipeline(transformer, StandardScaler(), logistic()), numbers, target)


def test_a_transformer_of_a_column_named_as_text_gets_that_column(applicants, left_to_original):
    from sklearn.feature_extraction.text import CountVectorizer

    frame, target = applicants
    words = ColumnTransformer([("words", CountVectorizer(), "empleo")])
    fitted = make_pipeline(words, logistic()).fit(frame, target)
    compiled = left_to_original(fitted, Schema.infer(frame))
    assert compiled.notes[0] == "CountVectorizer has no compiled form"


def test_feature_union_stands_side_by_side(applicants, compiled_as_fitted):
    frame, target = applicants
    union = FeatureUnion(
        [
            ("scaled", StandardScaler()),
            ("gone", "drop"),
            ("as is", "passthrough"),
            ("both", make_pipeline(MinMaxScaler(), MaxAbsScaler())),
        ]
    )
    compiled_as_fitted(make_pipeline(union, StandardScaler(), logistic()), frame[NUMBERS], target)


def test_feature_union_with_an_indicator_beside_the_imputer(applicants, compiled_as_fitted):
    frame, target = applicants
    union = make_union(SimpleImputer(), MissingIndicator(error_on_new=False))
    compiled = compiled_as_fitted(
        make_pipeline(union, StandardScaler(), logistic()), frame[[*NUMBERS, "deuda"]], target
    )
    assert not compiled.schema["deuda"].required


def test_weighted_feature_union_multiplies_the_columns_of_each_part(applicants, compiled_as_fitted):
    frame, target = applicants
    union = FeatureUnion(
        [("scaled", StandardScaler()), ("small", MinMaxScaler())], transformer_weights={"small": 3.0}
    )
    compiled_as_fitted(make_pipeline(union, logistic()), frame[NUMBERS], target)


def test_weighted_column_transformer_multiplies_the_columns_of_each_part(applicants, compiled_as_fitted):
    parts = [("numbers", impute_and_scale(), NUMBERS), ("texts", encode(), TEXTS), ("gone", "drop", TEXTS)]
    weights = {"numbers": 0.5, "texts": 3.0, "remainder": 2.0, "gone": 4.0}
    step = ColumnTransformer(parts, remainder="passthrough", transformer_weights=weights)
    frame, target = applicants
    compiled_as_fitted(make_pipeline(step, logistic()), frame.drop(columns="deuda"), target)


@pytest.mark.parametrize("last", ["passthrough", None])
def test_pipelines_nest_and_their_steps_may_be_left_out(last, applicants, compiled_as_fitted):
    frame, target = applicants
    inner = Pipeline([("scale", StandardScaler()), ("nothing", last)])
    outer = Pipeline([("none", None), ("inner", inner), ("model", make_pipeline("passthrough", logistic()))])
    compiled_as_fitted(outer, frame[NUMBERS], target)


def test_transformers_compile_alone_to_scikit_learns_own_numbers(applicants):
    frame, _ = applicants
    parts = [("numbers", impute_and_scale(), [*NUMBERS, "deuda"]), ("texts", encode(), TEXTS)]
    transformer = ColumnTransformer(parts, sparse_threshold=0).fit(frame)
    schema = Schema.infer(frame)
    compiled = compile_transformer(transformer, schema)
    for i in range(0, len(frame), 10):
        row = frame.iloc[[i]]
        values = schema.read({k: v for k, v in row.to_dict("records")[0].items() if v == v})[0]
        assert compiled.row(values) == transformer.transform(row)[0].tolist()


def test_a_transformer_fitted_without_names_takes_the_fields_in_order():
    schema = Schema([Field("a", "number"), Field("b", "number", required=True)])
    compiled = compile_transformer(MaxAbsScaler().fit([[2.0, 4.0], [1.0, 1.0]]), schema)
    assert compiled.row((1.0, 1.0)) == [0.5, 0.25]
    assert np.isnan(compiled.row((None, 1.0))[0])


def test_a_classifier_is_no_transformer(applicants):
    frame, target = applicants
    schema = Schema.infer(frame[NUMBERS])
    with pytest.raises(NotCompilable, match="LogisticRegression stands where a transformer"):
        compile_transformer(logistic().fit(frame[NUMBERS], target), schema)


# -- imputers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("keep_empty_features", [False, True])
@pytest.mark.parametrize(
    "setting",
    [
        {"strategy": "mean"},
        {"strategy": "median"},
        {"strategy": "most_frequent"},
        {"strategy": "constant", "fill_value": -1.5},
        {"strategy": "constant"},
    ],
    ids=str,
)
def test_imputers_of_numbers(setting, keep_empty_features, add_indicator, applicants, compiled_as_fitted):
    frame, target = applicants
    numbers = frame[[*NUMBERS, "deuda"]].assign(nunca=np.nan)
    imputer = SimpleImputer(**setting, keep_empty_features=keep_empty_features, add_indicator=add_indicator)
    compiled = compiled_as_fitted(make_pipeline(imputer, StandardScaler(), logistic()), numbers, target)
    assert not any(field.required for field in compiled.schema.fields)


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
@pytest.mark.parametrize("add_indicator", [False, True])
def test_imputers_of_categories(strategy, add_indicator, applicants, compiled_as_fitted):
    imputer = SimpleImputer(strategy=strategy, add_indicator=add_indicator)
    texts = make_pipeline(imputer, encode())
    compiled_as_fitted(make_pipeline(ColumnTransformer([("t", texts, TEXTS)]), logistic()), *applicants)


@pytest.mark.parametrize("missing_values", [np.nan, None], ids=str)
@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore", min_frequency=20),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
        None,
    ],
    ids=["one-hot", "ordinal", "indicator"],
)
def test_none_is_a_category_unless_an_imputer_takes_it_for_missing(
    encoder, missing_values, applicants, compiled_as_fitted
):
    frame, target = applicants
    texts = frame[TEXTS].astype(object).where(frame[TEXTS].notna(), None)
    if encoder is None:
        step = MissingIndicator(missing_values=missing_values, features="all")
    else:
        step = make_pipeline(SimpleImputer(missing_values=missing_values, strategy="most_frequent"), encoder)
    compiled = compiled_as_fitted(make_pipeline(step, logistic()), texts, target)
    assert [field.required for field in compiled.schema.fields] == [missing_values is None, False]


@pytest.mark.parametrize("missing", ["indicator", "keep", "impute"])
def test_a_preprocessor_takes_none_for_missing(missing, applicants, compiled_as_fitted):
    frame, target = applicants
    texts = frame[TEXTS].astype(object).where(frame[TEXTS].notna(), None)
    compiled_as_fitted(make_pipeline(Preprocessor(missing=missing), logistic()), texts, target)


def test_imputers_of_another_value_than_nan_are_left_to_scikit_learn(applicants, left_to_original):
    frame, target = applicants
    for step in (SimpleImputer(missing_values=-1), MissingIndicator(missing_values=-1, features="all")):
        fitted = make_pipeline(step, logistic()).fit(frame[NUMBERS], target)
        compiled = left_to_original(fitted, Schema.infer(frame[NUMBERS]))
        assert "missing_values=-1) has no compiled form" in compiled.notes[0]


@pytest.mark.parametrize("features", ["missing-only", "all"])
@pytest.mark.parametrize("error_on_new", [False, True])
def test_indicators_of_missing_values(features, error_on_new, applicants, compiled_as_fitted):
    frame, target = applicants
    numbers = frame[[*NUMBERS, "deuda"]]
    indicator = MissingIndicator(features=features, error_on_new=error_on_new)
    compiled = compiled_as_fitted(make_pipeline(indicator, StandardScaler(), logistic()), numbers, target)
    refuses = features == "missing-only" and error_on_new
    assert [field.required for field in compiled.schema.fields] == [refuses] * 3 + [False]


# -- scalers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        StandardScaler(with_mean=False, with_std=False),
        RobustScaler(),
        RobustScaler(with_centering=False),
        RobustScaler(with_scaling=False, unit_variance=True),
        MaxAbsScaler(),
        MinMaxScaler(),
        MinMaxScaler((-2, 3)),
        MinMaxScaler(clip=True),
    ],
    ids=str,
)
def test_scalers(scaler, applicants, compiled_as_fitted):
    frame, target = applicants
    numbers = frame[["edad", "ingresos", "atrasos", "garante"]].assign(fijo=7.0)
    compiled = compiled_as_fitted(make_pipeline(scaler, StandardScaler(), logistic()), numbers, target)
    assert all(field.required for field in compiled.schema.fields)


WARN = pytest.param("warn", marks=since(1, 6, "handle_unknown='warn'"))


# -- encoders --------------------------------------------------------------------------------------


@pytest.mark.parametrize("drop", [None, "first", "if_binary"])
@pytest.mark.parametrize("handle_unknown", ["error", "ignore", "infrequent_if_exist", WARN])
@pytest.mark.parametrize("rare", [{}, {"min_frequency": 20}, {"max_categories": 3}], ids=str)
def test_one_hot_encoders(drop, handle_unknown, rare, applicants, compiled_as_fitted):
    encoder = OneHotEncoder(drop=drop, handle_unknown=handle_unknown, **rare)
    parts = ColumnTransformer([("texts", encoder, [*TEXTS, "garante", "atrasos"])])
    compiled = compiled_as_fitted(make_pipeline(parts, logistic()), *applicants)
    refuses = handle_unknown == "error"
    assert (compiled.schema["empleo"].categories is not None) == refuses
    assert (compiled.schema["atrasos"].categories is not None) == refuses
    assert [compiled.schema[name].required for name in ("empleo", "vivienda")] == [refuses, False]


def test_one_hot_encoders_that_drop_named_categories(applicants, compiled_as_fitted):
    frame, target = applicants
    encoder = OneHotEncoder(
        drop=["otro", frame["vivienda"][frame["vivienda"].isna()].iloc[0], True], handle_unknown="ignore"
    )
    parts = ColumnTransformer([("texts", encoder, [*TEXTS, "garante"])])
    compiled_as_fitted(make_pipeline(parts, logistic()), frame, target)


def test_one_hot_encoders_behind_an_imputer_demand_known_categories(applicants, compiled_as_fitted):
    imputed = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    compiled = compiled_as_fitted(
        make_pipeline(ColumnTransformer([("t", imputed, TEXTS)]), logistic()), *applicants
    )
    assert compiled.schema["vivienda"].categories == ("alquilada", "propia")
    assert not compiled.schema["vivienda"].required


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"handle_unknown": "use_encoded_value", "unknown_value": -1},
        {"handle_unknown": "use_encoded_value", "unknown_value": 99, "encoded_missing_value": -2},
        {"encoded_missing_value": -2},
        {"handle_unknown": "use_encoded_value", "unknown_value": -1, "min_frequency": 20},
        {"handle_unknown": "use_encoded_value", "unknown_value": np.nan, "max_categories": 3},
    ],
    ids=str,
)
def test_ordinal_encoders(setting, applicants, compiled_as_fitted):
    encoder = make_pipeline(OrdinalEncoder(**setting), SimpleImputer(add_indicator=True))
    parts = ColumnTransformer([("texts", encoder, TEXTS)])
    compiled = compiled_as_fitted(make_pipeline(parts, StandardScaler(), logistic()), *applicants)
    assert (compiled.schema["empleo"].categories is not None) == ("handle_unknown" not in setting)


def test_encoders_of_integers_that_stand_for_categories(applicants, compiled_as_fitted):
    frame, target = applicants
    coded = frame[["atrasos"]].assign(zona=(frame["edad"] % 3).astype("category"))
    parts = [("a", OneHotEncoder(), ["zona"]), ("b", OrdinalEncoder(), ["atrasos"])]
    compiled = compiled_as_fitted(make_pipeline(ColumnTransformer(parts), logistic()), coded, target)
    assert compiled.schema["zona"].categories == (0, 1, 2)


def test_an_encoder_that_refuses_numbers_not_seen_has_no_compiled_form(applicants, left_to_original):
    frame, target = applicants
    table = frame[["ingresos"]].round(-3)
    for step in (OneHotEncoder(), make_pipeline(StandardScaler(), OneHotEncoder())):
        compiled = left_to_original(make_pipeline(step, logistic()).fit(table, target), Schema.infer(table))
        assert "categories" in compiled.notes[0]


def test_an_encoder_of_scaled_numbers_finds_them(applicants, compiled_as_fitted):
    frame, target = applicants
    steps = make_pipeline(MaxAbsScaler(), OneHotEncoder(handle_unknown="ignore"), logistic())
    compiled_as_fitted(steps, frame[["atrasos", "edad"]], target)
