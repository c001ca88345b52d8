"""Calibration, voting, frozen models, tuned thresholds: the same answers and labels, exact reasons."""

from __future__ import annotations

import numpy as np
import pytest
from compiler.versions import (
    FixedThresholdClassifier,
    FrozenEstimator,
    TunedThresholdClassifierCV,
    calibration_of,
    since,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import Isotonic, Sigmoid
from morosidad.compiler.forms.mixtures import Mean
from morosidad.compiler.nodes.expressions import Arith, Raw
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.compiler.readers.calibration import decision_threshold
from morosidad.compiler.readers.splines import through_points
from morosidad.errors import UnsupportedModel
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

NUMBERS = ["edad", "ingresos", "deuda", "atrasos"]


def logistic(**settings):
    return LogisticRegression(C=0.1, max_iter=2000, **settings)


def prepared(model):
    parts = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
        ("texts", OneHotEncoder(handle_unknown="ignore"), ["empleo", "vivienda"]),
    ]
    return make_pipeline(ColumnTransformer(parts), model)


def odds(p):
    return np.log(p / (1 - p))


def adds_up(compiled, of, rows, *, reference):
    """Check that the contributions add up to `of(record)` less the same for the reference."""
    for row in rows:
        _, shares = compiled.explain_one(row)
        assert sum(shares) == pytest.approx(of(row) - reference, abs=1e-9)


# -- models ----------------------------------------------------------------------------------------


# LogisticRegressionCV warns without these from scikit-learn 1.8 on, and does not know them before
LEAN = {"use_legacy_attributes": False, "l1_ratios": (0.0,)}
LEAN = LEAN if LEAN.keys() <= LogisticRegressionCV().get_params().keys() else {}


@pytest.mark.parametrize(
    "model",
    [
        logistic(),
        LogisticRegressionCV(cv=2, **LEAN),
        SGDClassifier(loss="log_loss", random_state=0),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_linear_models(model, applicants, compiled_as_fitted):
    compiled = compiled_as_fitted(prepared(model), *applicants)
    assert compiled.form.scale == "log-odds"


def test_gaussian_naive_bayes(applicants, compiled_as_fitted):
    frame, target = applicants
    model = make_pipeline(SimpleImputer(), StandardScaler(), GaussianNB())
    compiled = compiled_as_fitted(model, frame[NUMBERS], target, tolerance=1e-11)
    rows = as_rows(compiled.schema, frame[NUMBERS].to_dict("records"))
    reference = np.mean([odds(compiled.predict_one(row)) for row in rows])
    adds_up(compiled, lambda row: odds(compiled.predict_one(row)), rows, reference=reference)


def test_probabilities_that_are_no_sigmoid_are_left_to_the_original(applicants, left_to_original):
    frame, target = applicants
    model = prepared(SGDClassifier(loss="modified_huber", random_state=0)).fit(frame, target)
    assert "modified_huber" in left_to_original(model, Schema.infer(frame)).notes[0]


BY_PROBABILITY = {"response_method": "predict_proba"}
TEMPERATURE = since(1, 8, "calibration by temperature")


# -- calibration -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", pytest.param("temperature", marks=TEMPERATURE)])
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        logistic(),
        LinearSVC(C=0.01),
        RidgeClassifier(),
        SGDClassifier(random_state=0),
        Perceptron(random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_calibrated_linear_models(model, ensemble, method, applicants, compiled_as_fitted):
    calibrated = CalibratedClassifierCV(model, method=method, ensemble=ensemble, cv=3)
    compiled = compiled_as_fitted(prepared(calibrated), *applicants, tolerance=1e-10)
    scales = {"sigmoid": "log-odds", "temperature": "log-odds", "isotonic": "log-odds before calibration"}
    assert compiled.form.scale == ("probability" if ensemble else scales[method])


@pytest.mark.parametrize("ensemble", [False, True])
def test_calibrated_pipelines(ensemble, applicants, compiled_as_fitted):
    compiled_as_fitted(CalibratedClassifierCV(prepared(logistic()), ensemble=ensemble, cv=3), *applicants)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated_probabilities_of_a_model_without_a_decision_function(
    method, applicants, compiled_as_fitted
):
    voting = VotingClassifier([("a", logistic()), ("b", logistic(class_weight="balanced"))], voting="soft")
    calibrated = CalibratedClassifierCV(voting, method=method, ensemble=False, cv=3)
    compiled = compiled_as_fitted(prepared(calibrated), *applicants)
    assert (
        compiled.form.scale == {"sigmoid": "log-odds", "isotonic": "probability before calibration"}[method]
    )


def test_a_frozen_model_calibrated_afterwards(applicants, compiled_as_fitted):
    frame, target = applicants
    compiled_as_fitted(calibration_of(prepared(logistic()).fit(frame, target)), frame, target)


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_a_search_answers_as_the_best_that_it_found(threshold, applicants, compiled_as_fitted):
    frame, target = applicants
    model = FixedThresholdClassifier(logistic(), threshold=threshold) if threshold else logistic()
    search = GridSearchCV(
        prepared(model), {"columntransformer__numbers__simpleimputer__strategy": ["mean"]}, cv=2
    )
    compiled = compiled_as_fitted(search, frame, target)
    assert compiled.threshold == decision_threshold(search.best_estimator_)
    assert (compiled.threshold == 0.5) == isinstance(model, LogisticRegression)


@TEMPERATURE
def test_temperature_of_probabilities_is_left_to_the_original(applicants, left_to_original):
    frame, target = applicants
    voting = VotingClassifier([("a", logistic())], voting="soft")
    calibrated = CalibratedClassifierCV(voting, method="temperature", ensemble=False, cv=3)
    note = left_to_original(prepared(calibrated).fit(frame, target), Schema.infer(frame)).notes[0]
    assert note == "calibration by temperature of probabilities has no compiled form"


def test_a_calibrated_model_without_a_compiled_form_is_left_to_the_original(applicants, left_to_original):
    frame, target = applicants
    model = prepared(CalibratedClassifierCV(KNeighborsClassifier(), cv=2)).fit(frame, target)
    assert left_to_original(model, Schema.infer(frame)).notes == (
        "KNeighborsClassifier has no compiled form",
    )


def test_sigmoid_calibration_of_one_model_has_exact_contributions_to_the_log_odds(
    applicants, compiled_as_fitted
):
    frame, target = applicants
    model = prepared(CalibratedClassifierCV(LinearSVC(C=0.01), ensemble=False, cv=3))
    compiled = compiled_as_fitted(model, frame, target)
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    reference = np.mean([odds(compiled.predict_one(row)) for row in rows])
    adds_up(compiled, lambda row: odds(compiled.predict_one(row)), rows, reference=reference)


def test_isotonic_calibration_of_one_model_keeps_the_models_contributions(applicants, compiled_as_fitted):
    frame, target = applicants
    model = prepared(CalibratedClassifierCV(LinearSVC(C=0.01), method="isotonic", ensemble=False, cv=3))
    compiled = compiled_as_fitted(model, frame, target, tolerance=1e-10)
    inside = model[-1].calibrated_classifiers_[0].estimator
    before = inside.decision_function(model[:-1].transform(frame))
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    for row, score in zip(rows, before, strict=True):
        assert sum(compiled.explain_one(row)[1]) == pytest.approx(score - before.mean(), abs=1e-9)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_means_of_models_have_contributions_to_the_probability(method, applicants, compiled_as_fitted):
    frame, target = applicants
    model = prepared(CalibratedClassifierCV(logistic(), method=method, cv=3))
    compiled = compiled_as_fitted(model, frame, target, tolerance=1e-10)
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    table = model[:-1].transform(frame)
    reference = 0.0
    for part in model[-1].calibrated_classifiers_:
        mean_score = part.estimator.decision_function(table).mean()
        reference += part.calibrators[0].predict(np.array([mean_score]))[0] / 3
    adds_up(compiled, compiled.predict_one, rows, reference=reference)


# -- voting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, [1, 3, 0.5]])
def test_soft_voting(weights, applicants, compiled_as_fitted):
    frame, target = applicants
    voters = [
        ("plain", prepared(logistic())),
        ("gone", "drop") if weights is None else ("other", prepared(logistic(class_weight="balanced"))),
        ("calibrated", prepared(CalibratedClassifierCV(LinearSVC(C=0.01), cv=2))),
    ]
    compiled = compiled_as_fitted(VotingClassifier(voters, voting="soft", weights=weights), frame, target)
    assert compiled.form.scale == "probability"
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    base = compiled.predict_one(rows[0]) - sum(compiled.explain_one(rows[0])[1])
    adds_up(compiled, compiled.predict_one, rows, reference=base)


def test_voting_leaves_out_the_weight_of_a_dropped_voter(applicants, compiled_as_fitted):
    voters = [
        ("gone", "drop"),
        ("a", prepared(logistic())),
        ("b", prepared(logistic(class_weight="balanced"))),
    ]
    compiled = compiled_as_fitted(VotingClassifier(voters, voting="soft", weights=[5, 1, 2]), *applicants)
    assert compiled.form.weights == (1.0, 2.0)


@pytest.mark.parametrize("weights", [(0.1, 0.2, 0.3), (0.1,) * 10, (3.0, 1.0)])
def test_a_mean_of_certainties_is_certain(weights, compile_form):
    sure = Sigmoid(Additive(800.0, (), 1), True, 1.0, 0.0)
    compiled = compile_form(Mean((sure,) * len(weights), weights))
    assert compiled.predict_one((0.0,)) == 1.0
    assert compiled.predict([np.zeros(1)]).tolist() == [1.0]


def test_hard_voting_gives_no_probabilities(applicants):
    from morosidad.compiler import compile_pipeline

    frame, target = applicants
    model = VotingClassifier([("a", prepared(logistic()))]).fit(frame, target)
    with pytest.raises(UnsupportedModel, match="VotingClassifier gives no probabilities"):
        compile_pipeline(model, Schema.infer(frame))


# -- the chord -------------------------------------------------------------------------------------


SIGMOID = Sigmoid(Additive(0.3, (Arith(Raw(0), "*", 2.0), Arith(Raw(1), "*", -0.7)), 3), True, 1.5, -0.2)
STEPS = Isotonic(SIGMOID, False, through_points(np.array([0.2, 0.5, 0.6]), np.array([0.1, 0.1, 0.8])))


@settings(max_examples=100, deadline=None)
@given(
    form=st.sampled_from([SIGMOID, STEPS, Mean((SIGMOID, STEPS, SIGMOID.of), (1.0, 2.0, 0.25))]),
    reference=st.tuples(*[st.floats(-3, 3)] * 3),
    row=st.tuples(*[st.floats(-3, 3)] * 3),
    near=st.sampled_from([None, 0.0, 1e-12, 1e-7, 3e-7]),
)
def test_contributions_on_the_probability_scale_add_up(form, reference, row, near, compile_form):
    if near is not None:
        row = (reference[0] + near, *reference[1:])
    mean = Mean((form,), (1.0,))
    compiled = compile_form(mean, 3, [reference])
    p, shares = compiled.explain_one(row)
    assert sum(shares) == pytest.approx(p - compiled.predict_one(reference), abs=1e-9)
    assert shares[2] == 0.0
    assert p == compiled.predict_one(row)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 1)), min_size=1, max_size=8), st.floats(-6, 6))
def test_a_line_through_points_is_scikit_learns_isotonic_line(points, x):
    scores, targets = np.array(points).T
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores, targets)
    line = through_points(isotonic.X_thresholds_, isotonic.y_thresholds_)
    asked = np.array([x, *scores])
    found = line.compute(asked, line.edges.find(asked))
    np.testing.assert_allclose(found, isotonic.predict(asked), rtol=0, atol=1e-12)


def test_the_gate_allows_more_where_the_calibration_is_steep():
    steep = through_points(np.array([0.0, 1e-4]), np.array([0.0, 1.0]))
    assert Isotonic(SIGMOID.of, True, steep).tolerance == pytest.approx(1e-10)
    assert STEPS.tolerance == 1e-12
    precipice = through_points(np.array([0.0, 1e-300]), np.array([0.0, 1.0]))
    assert Isotonic(SIGMOID.of, True, precipice).tolerance == 1e-9


class Jumpy(Additive, frozen=True, eq=False):
    """Jumps at 0.25."""

    def probes(self, schema, bases):
        return [(0.25, *row[1:]) for row in bases]


def test_forms_around_others_ask_them_where_they_jump():
    jumpy = Jumpy(0.0, (), 1)
    calibrated = Sigmoid(jumpy, True, 1.0, 0.0)
    rows = list(
        Mean((calibrated, SIGMOID, jumpy), (1.0,) * 3).probes(Schema([Field("x", "number")]), [(7.0,)])
    )
    assert rows == [(0.25,), (0.25,)]


def test_the_reference_of_a_mean_holds_that_of_each_member():
    mean = Mean((SIGMOID, STEPS), (1.0, 1.0))
    batch = ColumnBatch.of_records([(0.0, 0.0, 0.0)], 3)
    assert mean.reference(batch).tolist() == [2, 3, 3, 0, 0, 0, 0, 0, 0]


# -- thresholds ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: FixedThresholdClassifier(logistic(), threshold=0.3, response_method="predict_proba"),
        lambda: FixedThresholdClassifier(logistic(), threshold="auto"),
        lambda: FixedThresholdClassifier(logistic(), threshold=0.3, pos_label=0, **BY_PROBABILITY),
        lambda: FixedThresholdClassifier(logistic(), threshold=0.3, pos_label=1, **BY_PROBABILITY),
        lambda: TunedThresholdClassifierCV(logistic(), cv=2),
        lambda: GridSearchCV(
            FixedThresholdClassifier(logistic(), threshold=0.3), {"estimator__C": [0.1, 1.0]}, cv=2
        ),
    ],
    ids=["by probability", "auto", "first class", "second class", "tuned", "in a search"],
)
def test_thresholds_decide_the_label_as_the_original_does(make, applicants, compiled_as_fitted):
    frame, target = applicants
    fitted = prepared(make())
    compiled = compiled_as_fitted(fitted, frame, target)
    rows = as_rows(compiled.schema, frame.to_dict("records"))
    labels = [int(compiled.predict_one(row) > compiled.threshold) for row in rows]
    assert labels == fitted.predict(frame).tolist()


def test_a_probability_on_the_threshold_is_labelled_as_the_original_labels_it(applicants):
    frame, target = applicants
    model = logistic().fit(frame[["edad"]], target)
    on = model.predict_proba(frame[["edad"]])[7, 1]
    fixed = FixedThresholdClassifier(FrozenEstimator(model), threshold=on, response_method="predict_proba")
    fixed.fit(frame[["edad"]], target)
    assert fixed.predict(frame[["edad"]])[7] == 1
    assert on > decision_threshold(fixed)


def test_a_threshold_is_found_though_the_model_is_not_compiled(applicants, left_to_original):
    frame, target = applicants
    model = FixedThresholdClassifier(KNeighborsClassifier(), threshold=0.3)
    compiled = left_to_original(FrozenEstimator(prepared(model).fit(frame, target)), Schema.infer(frame))
    assert compiled.threshold == pytest.approx(0.3)


def test_the_threshold_inside_a_search_is_found_though_the_model_is_not_compiled(
    applicants, left_to_original
):
    frame, target = applicants
    model = prepared(FixedThresholdClassifier(KNeighborsClassifier(), threshold=0.3))
    search = GridSearchCV(model, {"fixedthresholdclassifier__estimator__n_neighbors": [3, 5]}, cv=2)
    compiled = left_to_original(search.fit(frame, target), Schema.infer(frame))
    assert compiled.threshold == pytest.approx(0.3)


def test_a_threshold_on_the_decision_function_is_refused(applicants):
    frame, target = applicants
    model = FixedThresholdClassifier(logistic(), threshold=0.0, response_method="decision_function")
    with pytest.raises(UnsupportedModel, match="use response_method='predict_proba'"):
        decision_threshold(prepared(model).fit(frame, target))


def test_other_classifiers_decide_at_one_half(applicants):
    frame, target = applicants
    assert decision_threshold(prepared(logistic()).fit(frame, target)) == 0.5
