"""Teach the compiler a class of your own: a transformer and a classifier, five lines each.

Run it: ``python examples/custom_estimator.py``.
"""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, OneToOneFeatureMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from morosidad import Schema, Scorer
from morosidad.compiler import compiles
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.nodes.expressions import Arith, Clip


class Winsorizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Holds each column within two of its quantiles."""

    def __init__(self, tail=0.05):
        self.tail = tail

    def fit(self, X, y=None):
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        self.low_, self.high_ = np.quantile(X, [self.tail, 1 - self.tail], axis=0)
        return self

    def transform(self, X):
        return np.clip(np.asarray(X, dtype=float), self.low_, self.high_)


class PointsCard(ClassifierMixin, BaseEstimator):
    """A scorecard: the points of all columns, 20 of them to double the odds."""

    def fit(self, X, y):
        model = LogisticRegression().fit(X, y)
        self.points_ = model.coef_[0] * 20 / np.log(2)
        self.start_ = model.intercept_[0] * 20 / np.log(2)
        self.classes_ = model.classes_
        return self

    def predict_proba(self, X):
        p = 1 / (1 + 2.0 ** -((self.start_ + X @ self.points_) / 20))
        return np.column_stack([1 - p, p])


@compiles(Winsorizer)
def winsorizer(estimator, columns, compiler):
    limits = zip(columns, estimator.low_, estimator.high_, strict=True)
    return [Clip(column, float(low), float(high)) for column, low, high in limits]


@compiles(PointsCard)
def points_card(estimator, columns, compiler):
    for column in columns:
        compiler.require(column)  # a missing value would reach the sum
    unit = np.log(2) / 20
    terms = [Arith(c, "*", float(p * unit)) for c, p in zip(columns, estimator.points_, strict=True)]
    return Additive(float(estimator.start_ * unit), tuple(terms), len(compiler.schema))


def main() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"ingresos": rng.lognormal(7, 0.6, 500), "atrasos": rng.poisson(1.0, 500)})
    y = (rng.random(500) < 1 / (1 + np.exp(1 - 0.8 * X["atrasos"] + X["ingresos"] / 2000))).astype(int)
    pipeline = make_pipeline(Winsorizer(), StandardScaler(), PointsCard()).fit(X, y)

    scorer = Scorer(pipeline, schema=Schema.infer(X), reference=X)
    print(scorer.plan)
    decision = scorer.score_one({"ingresos": 400.0, "atrasos": 4})
    print(decision.probability, [(reason.field, reason.contribution) for reason in decision.reasons])

    asked = pd.DataFrame([{"ingresos": 400.0, "atrasos": 4}])
    assert abs(decision.probability - pipeline.predict_proba(asked)[0, 1]) < 1e-12


if __name__ == "__main__":
    main()
