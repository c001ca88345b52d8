"""Contributions of networks: they add up, and are Shapley values where those can be counted."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from morosidad.compiler import compile_pipeline
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.schema.schema import Schema

QUADRATIC = [
    QuadraticDiscriminantAnalysis(reg_param=0.1),
    make_pipeline(PolynomialFeatures(2), LogisticRegression()),
]


def compiled_of(classifier, numbers):
    frame, target = numbers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the network is not trained to its end
        pipeline = make_pipeline(StandardScaler(), classifier).fit(frame, target)
    schema = Schema.infer(frame)
    rows = as_rows(schema, frame.to_dict("records"))
    return compile_pipeline(pipeline, schema, rows), rows


def shapley(value, n):
    """Count the Shapley values over all orders."""
    found = np.zeros(n)
    for order in itertools.permutations(range(n)):
        before, there = value(frozenset()), set()
        for player in order:
            there.add(player)
            after = value(frozenset(there))
            found[player] += after - before
            before = after
    return found / math.factorial(n)


@pytest.mark.parametrize("classifier", QUADRATIC, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("several", [1, 3], ids=["one row", "a background"])
def test_contributions_of_a_quadratic_model_are_shapley_values(classifier, several, numbers):
    compiled, rows = compiled_of(classifier, numbers)
    others = rows[5 : 5 + several]
    compiled.measure_against(others)
    form = compiled.form
    for record in rows[:4]:

        def value(coalition, record=record):
            mixed = [tuple(record[i] if i in coalition else other[i] for i in range(3)) for other in others]
            return form.batch_log_odds(ColumnBatch.of_records(mixed, 3)).mean()

        _, shares = compiled.explain_one(record)
        np.testing.assert_allclose(shares, shapley(value, 3), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_contributions_of_a_network_add_up(activation, numbers):
    network = MLPClassifier((8,), activation=activation, max_iter=20, random_state=0)
    compiled, rows = compiled_of(network, numbers)
    batch = ColumnBatch.of_records(rows, 3)
    z, shares = compiled.form.batch_log_odds_reasons(batch, compiled.reference)
    base = compiled.form.batch_log_odds(ColumnBatch.of_records(rows[:1], 3)) - z[0]
    assert base == pytest.approx(0.0, abs=1e-12)
    start = z - shares.sum(axis=0)
    np.testing.assert_allclose(start, start[0], rtol=0, atol=1e-12)
    one = np.array([compiled.explain_one(row)[1] for row in rows])
    np.testing.assert_allclose(one, shares.T, rtol=0, atol=1e-12)


def test_the_reference_itself_has_no_contributions(numbers):
    network = MLPClassifier((4,), max_iter=10, random_state=0)
    compiled, rows = compiled_of(network, numbers)
    compiled.measure_against(rows[:1])
    assert compiled.explain_one(rows[0])[1] == (0.0, 0.0, 0.0)
