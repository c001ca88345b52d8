"""A model that fails while it serves, and comes back: what callers see, and the events for the operator.

Run it: ``python examples/recovery.py``.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from morosidad import Decision, KPITracker, RecoveryPolicy, Schema, Scorer
from morosidad.errors import Escalated, NotCompiledWarning, PredictionError
from morosidad.recovery import default_levels

APPLICANT = {"atrasos": 3.0}


class Bureau(ClassifierMixin, BaseEstimator):
    """A model that asks another service, which may not answer: so it can't be compiled."""

    failures_to_come = 0

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        return self

    def predict_proba(self, X):
        if Bureau.failures_to_come:
            Bureau.failures_to_come -= 1
            raise ConnectionError("the bureau does not answer")
        p = 1 / (1 + np.exp(2 - X["atrasos"].to_numpy(dtype=float)))
        return np.column_stack([1 - p, p])


def main() -> None:
    X = pd.DataFrame({"atrasos": [0.0, 1.0, 2.0, 5.0]})
    model = Bureau().fit(X, [0, 0, 1, 1])
    events, now = [], [0.0]
    careful = Decision(0, (0.5, 0.5), 0.5, "revisar")  # when nothing helps, a person looks at it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        kpis = KPITracker()
        recovery = RecoveryPolicy(default_levels(), hooks=[events.append], clock=lambda: now[0])
        scorer = Scorer(model, schema=Schema.infer(X), kpis=kpis, recovery=recovery)
        patient = Scorer(
            model,
            schema=Schema.infer(X),
            recovery=RecoveryPolicy(default_levels(), fallback=lambda *asked: careful, hooks=()),
        )
    healthy = scorer.score_one(APPLICANT)

    # It fails twice: the caller waits a little and never learns of it.
    Bureau.failures_to_come = 2
    assert scorer.score_one(APPLICANT) == healthy
    print("recovered at:", [(event.level, event.outcome.name) for event in events])

    # It fails for good: every level is tried once, then calls are refused at once.
    Bureau.failures_to_come = 1000
    try:
        scorer.score_one(APPLICANT)
    except (Escalated, PredictionError) as error:
        print("given up:", type(error).__name__)
    left = Bureau.failures_to_come
    for _ in range(50):
        try:
            scorer.score_one(APPLICANT)
        except Escalated as error:
            wait = error.retry_after
    assert Bureau.failures_to_come == left, "the model is left alone meanwhile"

    # With a fallback there is an answer all the same, and it says what it is.
    answer = patient.score_one(APPLICANT)
    print("meanwhile:", answer.outcome, "degraded" if answer.degraded else "")
    assert answer.degraded

    # It comes back: the first call after the pause finds that out.
    Bureau.failures_to_come = 0
    now[0] += wait + 1
    assert scorer.score_one(APPLICANT) == healthy
    counts = kpis.lifetime()
    print(f"back; {counts.ok} answers, {counts.failures} failures counted")


if __name__ == "__main__":
    main()
