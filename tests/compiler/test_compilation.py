"""The compiler as a whole: random schemas, pipelines and records; demands; what it leaves alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import RFE
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.manifold import Isomap, LocallyLinearEmbedding
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from morosidad.compiler import compile_pipeline
from morosidad.errors import InvalidFrame, InvalidRecord, UnsupportedModel
from morosidad.frames.reading import Coded
from morosidad.schema.field import Field, Observed
from morosidad.schema.schema import Schema


def logistic(**settings):
    return LogisticRegression(C=0.1, max_iter=2000, **settings)


# -- random schemas, records and pipelines ---------------------------------------------------------

EXAMPLES = 40  # a longer run finds no more; try it by hand after a change
LEVELS = ["a", "b", "c", "ñandú", ""]


@st.composite
def columns(draw: st.DrawFn, n: int) -> dict[str, Any]:
    """Name each column for its kind; some values are missing."""
    kinds = draw(st.lists(st.sampled_from(["number", "integer", "text", "flag"]), min_size=1, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made: dict[str, Any] = {}
    for i, kind in enumerate(kinds):
        name = f"{kind}_{i}"
        scale = 10.0 ** draw(st.integers(-3, 6))
        if kind == "number":
            made[name] = rng.normal(0.0, scale, n)
        elif kind == "integer":
            made[name] = rng.integers(-5, draw(st.sampled_from([0, 5, 10**6])), n)
        elif kind == "flag":
            made[name] = (rng.random(n) < 0.5).astype(object)
        else:
            made[name] = rng.choice(LEVELS, n, p=[0.4, 0.3, 0.2, 0.08, 0.02]).astype(object)
        if draw(st.booleans()):
            made[name] = made[name].astype(object if kind in ("text", "flag") else float)
            made[name][rng.random(n) < 0.2] = np.nan
    return made


@st.composite
def numeric_parts(draw: st.DrawFn) -> Any:
    strategy = draw(st.sampled_from(["mean", "median", "most_frequent", "constant"]))
    imputer = SimpleImputer(
        strategy=strategy, add_indicator=draw(st.booleans()), keep_empty_features=draw(st.booleans())
    )
    scaler = draw(
        st.sampled_from(
            [StandardScaler(), RobustScaler(), MinMaxScaler(clip=True), MinMaxScaler(), MaxAbsScaler()]
        )
    )
    return make_pipeline(imputer, scaler)


@st.composite
def text_parts(draw: st.DrawFn) -> Any:
    if draw(st.booleans()):
        unknown = draw(st.sampled_from([{}, {"handle_unknown": "use_encoded_value", "unknown_value": -1}]))
        return make_pipeline(OrdinalEncoder(**unknown), SimpleImputer(), StandardScaler())
    encoder = OneHotEncoder(
        drop=draw(st.sampled_from([None, "first", "if_binary"])),
        handle_unknown=draw(st.sampled_from(["error", "ignore", "infrequent_if_exist"])),
        **draw(st.sampled_from([{}, {"min_frequency": 8}, {"max_categories": 2}])),
    )
    return make_pipeline(SimpleImputer(strategy="most_frequent"), encoder) if draw(st.booleans()) else encoder


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, pd.DataFrame, Any]:
    n = 60
    frame = pd.DataFrame(draw(columns(n)))
    names = draw(st.permutations(list(frame.columns)))
    parts = []
    for name in names:
        part = draw(numeric_parts() if name.startswith(("number", "integer")) else text_parts())
        parts.append((name, part, [name]))
    target = np.arange(n) % 2
    model = draw(
        st.sampled_from([logistic(), logistic(fit_intercept=False), logistic(class_weight="balanced")])
    )
    return make_pipeline(ColumnTransformer(parts), model), frame, target


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_random_pipelines_answer_the_same_compiled(compiled_as_fitted, case):
    compiled_as_fitted(*case)


# -- contributions ---------------------------------------------------------------------------------


def test_contributions_add_up_to_the_log_odds_less_the_references_mean(
    applicants, compiled_as_fitted, log_odds
):
    frame, target = applicants
    parts = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["edad", "ingresos", "deuda"]),
        ("texts", OneHotEncoder(handle_unknown="ignore"), ["empleo", "vivienda"]),
    ]
    model = make_pipeline(ColumnTransformer(parts), logistic())
    compiled = compiled_as_fitted(model, frame, target)
    mean = model.decision_function(frame).mean()
    rows = [compiled.schema.read(_record(row))[0] for row in frame.to_dict("records")]
    total = np.zeros(len(compiled.schema))
    for row in rows:
        p, shares = compiled.explain_one(row)
        assert sum(shares) == pytest.approx(log_odds(p) - mean, abs=1e-12)
        assert shares[frame.columns.get_loc("atrasos")] == 0.0
        total += shares
    np.testing.assert_allclose(total / len(rows), 0.0, atol=1e-12)


def test_a_field_changed_alone_changes_its_own_contribution_alone(applicants, compiled_as_fitted):
    frame, target = applicants
    model = make_pipeline(
        ColumnTransformer([("texts", OneHotEncoder(), ["empleo"])], remainder="passthrough"), logistic()
    )
    compiled = compiled_as_fitted(model, frame[["empleo", "edad"]], target)
    _, a = compiled.explain_one(("otro", 40))
    _, b = compiled.explain_one(("dependiente", 40))
    assert a[1] == b[1]
    assert a[0] != b[0]


def _record(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value == value and value is not None}


# -- what a model demands of a record --------------------------------------------------------------


def test_a_model_without_an_imputer_makes_its_fields_required(applicants, compiled_as_fitted):
    frame, target = applicants
    used = frame[["edad", "atrasos", "ingresos"]]
    model = make_pipeline(
        ColumnTransformer([("a", StandardScaler(), ["edad"]), ("b", SimpleImputer(), ["atrasos"])]),
        logistic(),
    )
    compiled = compiled_as_fitted(model, used, target)
    assert [field.required for field in compiled.schema.fields] == [True, False, False]
    with pytest.raises(InvalidRecord, match="edad: obligatorio"):
        compiled.schema.read({"atrasos": 1})


def test_an_encoder_that_refuses_the_unknown_makes_the_schema_refuse_it(applicants, compiled_as_fitted):
    frame, target = applicants
    used = frame[["empleo", "garante"]]
    compiled = compiled_as_fitted(make_pipeline(OneHotEncoder(), logistic()), used, target)
    assert set(compiled.schema["empleo"].categories) == set(frame["empleo"])
    assert compiled.schema["garante"].categories is None
    with pytest.raises(InvalidRecord, match="empleo: debe ser uno de"):
        compiled.schema.read({"empleo": "astronauta", "garante": True})


def test_declared_categories_that_the_model_does_not_know_are_refused(applicants, left_to_original):
    frame, target = applicants
    declared = Field("empleo", "category", categories=("otro", "agrícola", "nuevo"))
    fitted = make_pipeline(OneHotEncoder(), logistic()).fit(frame[["empleo"]], target)
    assert compile_pipeline(fitted, Schema([declared])).schema["empleo"].categories == ("otro", "agrícola")
    nothing_known = Field("empleo", "category", categories=("nuevo",))
    compiled = left_to_original(fitted, Schema([nothing_known]))
    assert compiled.notes[0] == "no category of the field 'empleo' is known to the model"


def test_categories_that_the_model_knows_stay_allowed_though_the_data_at_hand_lacks_them(applicants):
    frame, target = applicants
    fitted = make_pipeline(OneHotEncoder(), logistic()).fit(frame[["empleo"]], target)
    observed = Field("empleo", "category", observed=Observed(categories=("otro",)))
    compiled = compile_pipeline(fitted, Schema([observed]))
    assert compiled.schema["empleo"].categories == ("otro", "agrícola", "dependiente", "independiente")


def test_two_encoders_of_one_field_allow_what_both_know(applicants):
    frame, target = applicants
    parts = [
        ("one", OneHotEncoder(), ["empleo"]),
        (
            "two",
            OneHotEncoder(categories=[["agrícola", "otro", "nuevo"]], handle_unknown="ignore"),
            ["empleo"],
        ),
    ]
    fitted = make_pipeline(ColumnTransformer(parts), logistic()).fit(frame, target)
    fitted[0].named_transformers_["two"].handle_unknown = "error"
    compiled = compile_pipeline(fitted, Schema.infer(frame))
    assert compiled.schema["empleo"].categories == ("agrícola", "otro")


@pytest.mark.parametrize(
    ("limits", "kept"),
    [({"ge": 1, "lt": 3}, (1, 2)), ({"gt": 0, "le": 2}, (1, 2)), ({"ge": 0, "le": 9}, None)],
)
def test_limits_and_an_encoder_that_refuses_the_unknown_leave_the_categories_within(limits, kept, applicants):
    frame, target = applicants
    numbers = frame[["atrasos"]]
    fitted = make_pipeline(OneHotEncoder(), logistic()).fit(numbers, target)
    compiled = compile_pipeline(fitted, Schema([Field("atrasos", "integer", **limits)]))
    assert compiled.compiled
    known = tuple(np.unique(numbers["atrasos"]).tolist())
    assert compiled.schema["atrasos"].categories == (kept or known)


def test_a_function_with_a_domain_leaves_the_categories_within(applicants, left_to_original):
    frame, target = applicants
    numbers = frame[["atrasos"]] + 1
    fitted = make_pipeline(FunctionTransformer(np.log), logistic()).fit(numbers, target)
    compiled = compile_pipeline(
        fitted, Schema([Field("atrasos", "integer", categories=(0, 1, 2), required=True)])
    )
    assert compiled.compiled
    assert compiled.schema["atrasos"].categories == (1, 2)
    unchanged = Field("atrasos", "integer", categories=(1, 2), required=True)
    assert compile_pipeline(fitted, Schema([unchanged])).schema["atrasos"] is unchanged
    nothing = Field("atrasos", "integer", categories=(-1, 0), required=True)
    assert not left_to_original(fitted, Schema([nothing])).compiled


# -- what it leaves to the original ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "note"),
    [
        (Isomap(n_components=2), "Isomap has no compiled form"),
        (LocallyLinearEmbedding(), "LocallyLinearEmbedding has no compiled form"),
        (FunctionTransformer(lambda x: x - x.mean()), "FunctionTransformer(<lambda>) has no compiled form"),
    ],
)
def test_what_has_no_compiled_form_is_answered_by_the_original(step, note, applicants, left_to_original):
    frame, target = applicants
    numbers = frame[["edad", "ingresos", "atrasos"]]
    model = make_pipeline(StandardScaler(), step, logistic()).fit(numbers, target)
    compiled = left_to_original(model, Schema.infer(numbers))
    assert compiled.notes[0].startswith(note)
    row = (40, 1000.0, 2)
    expected = model.predict_proba(pd.DataFrame([row], columns=numbers.columns))[0, 1]
    assert compiled.predict_one(row) == expected
    columns = [np.array([40.0, 40.0]), np.array([1000.0, 1000.0]), np.array([2.0, 2.0])]
    np.testing.assert_allclose(compiled.predict(columns), expected, rtol=1e-14)


@pytest.mark.parametrize("step", ["passthrough", StandardScaler()], ids=str)
@pytest.mark.parametrize("model", [logistic(), DecisionTreeClassifier(max_depth=3)], ids=str)
def test_numbers_written_as_text_are_left_to_the_original(step, model, applicants, left_to_original):
    frame, target = applicants
    texts = frame[["atrasos"]].astype(str)
    fitted = make_pipeline(ColumnTransformer([("same", step, ["atrasos"])]), model).fit(texts, target)
    compiled = left_to_original(fitted, Schema.infer(texts))
    assert compiled.notes[0].startswith("the compiled form fails with ")
    expected = fitted.predict_proba(texts)[:, 1]
    np.testing.assert_array_equal([compiled.predict_one((text,)) for text in texts["atrasos"]], expected)


def test_a_selector_that_predicts_itself_is_left_to_the_original(applicants, left_to_original):
    frame, target = applicants
    numbers = frame[["edad", "ingresos", "atrasos"]]
    fitted = make_pipeline(StandardScaler(), RFE(logistic(), n_features_to_select=2)).fit(numbers, target)
    compiled = left_to_original(fitted, Schema.infer(numbers))
    assert compiled.notes[0] == "Pipeline gives columns where a classifier was expected"
    expected = fitted.predict_proba(numbers.head(1))[0, 1]
    assert compiled.predict_one(tuple(numbers.iloc[0])) == expected


def test_the_original_answers_many_rows_with_categories_too(applicants, left_to_original):
    frame, target = applicants
    frame = frame.where(frame.notna(), np.nan)
    model = make_pipeline(OneHotEncoder(sparse_output=False), Isomap(n_neighbors=100), logistic())
    model.fit(frame[["empleo", "vivienda"]], target)
    compiled = left_to_original(model, Schema.infer(frame[["empleo", "vivienda"]]))
    codes = Coded(np.array([0, 1]), ["otro", "agrícola"]), Coded(np.array([-1, 0]), ["propia"])
    table = pd.DataFrame({"empleo": ["otro", "agrícola"], "vivienda": [np.nan, "propia"]})
    np.testing.assert_allclose(compiled.predict(codes), model.predict_proba(table)[:, 1], rtol=1e-14)


def test_categories_that_become_no_number_where_one_is_needed_are_invalid(applicants, compiled_as_fitted):
    frame, target = applicants
    coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    compiled = compiled_as_fitted(make_pipeline(coded, logistic()), frame[["empleo"]], target)
    assert set(compiled.schema["empleo"].categories) == set(frame["empleo"])
    assert compiled.schema["empleo"].required


# -- models that can't be used ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (RidgeClassifier(), "RidgeClassifier gives no probabilities; wrap it in CalibratedClassifierCV"),
        (SGDClassifier(), "SGDClassifier gives no probabilities"),
        (LinearRegression(), "LinearRegression gives no probabilities$"),
        (make_pipeline(StandardScaler(), RidgeClassifier()), "RidgeClassifier gives no probabilities"),
    ],
)
def test_models_without_probabilities_are_refused_with_a_clear_error(model, message, applicants):
    frame, target = applicants
    fitted = model.fit(frame[["edad"]], target)
    with pytest.raises(UnsupportedModel, match=message) as caught:
        compile_pipeline(fitted, Schema.infer(frame[["edad"]]))
    assert caught.value.estimator == message.split()[0]


def test_models_that_are_not_fitted_or_have_other_classes_than_two_are_refused(applicants):
    frame, _ = applicants
    schema = Schema.infer(frame[["edad"]])
    with pytest.raises(UnsupportedModel, match="LogisticRegression is not fitted"):
        compile_pipeline(logistic(), schema)
    three = logistic().fit(frame[["edad"]], np.arange(len(frame)) % 3)
    with pytest.raises(UnsupportedModel, match="3 classes; exactly two"):
        compile_pipeline(three, schema)


def test_columns_without_a_field_are_named(applicants):
    frame, target = applicants
    model = logistic().fit(frame[["edad", "atrasos"]], target)
    with pytest.raises(InvalidFrame, match="no field for: atrasos") as caught:
        compile_pipeline(model, Schema.infer(frame[["edad"]]))
    assert caught.value.columns == ("atrasos",)


def test_a_model_fitted_without_names_takes_the_fields_in_order(applicants):
    frame, target = applicants
    model = logistic().fit(frame[["edad", "atrasos"]].to_numpy(), target)
    compiled = compile_pipeline(model, Schema.infer(frame[["edad", "atrasos"]]))
    assert compiled.predict_one((40, 2)) == pytest.approx(model.predict_proba([[40, 2]])[0, 1], abs=1e-15)
    with pytest.raises(InvalidFrame, match="fitted on 2 unnamed columns; the schema has 1 fields"):
        compile_pipeline(model, Schema.infer(frame[["edad"]]))


def test_fields_may_stand_in_another_order_and_some_may_be_unused(applicants):
    frame, target = applicants
    model = logistic().fit(frame[["edad", "atrasos"]], target)
    compiled = compile_pipeline(model, Schema.infer(frame[["atrasos", "empleo", "edad"]]))
    assert compiled.compiled
    asked = pd.DataFrame({"edad": [40], "atrasos": [2]})
    assert compiled.predict_one((2, None, 40)) == pytest.approx(model.predict_proba(asked)[0, 1], abs=1e-15)
    assert compiled.explain_one((2, None, 40))[1][1] == 0.0
