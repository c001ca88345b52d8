"""A portfolio with raw codes, collinear counts and heavy tails: who is risky must be ranked as risky."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from morosidad import Preprocessor, Schema, Scorer


class Portfolio(NamedTuple):
    """Applicants, who defaulted, and who had been late twice or more."""

    X: pd.DataFrame
    y: Any
    late: Any


def portfolio(n: int, seed: int) -> Portfolio:
    """Counts of late payments that say much the same, 96 and 98 in all three of them, and gaps."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    counts = [rng.poisson(share * np.exp(-2.6 + 1.3 * risk)) for share in (1.0, 0.35, 0.3)]
    coded, code = rng.random(n) < 0.004, rng.choice([96, 98], n)
    z = -3.4 + 0.7 * risk + sum(w * np.minimum(c, 3) for w, c in zip((0.9, 0.8, 1.2), counts, strict=True))
    names = ("moras_30", "moras_60", "moras_90")
    X = pd.DataFrame(
        {
            "uso": np.exp(rng.normal(0.5 * risk - 1.2, 1.2)) * rng.choice([1, 1000], n, p=[0.99, 0.01]),
            "ingresos": np.where(rng.random(n) < 0.2, np.nan, np.exp(rng.normal(8.5, 0.8, n))),
            **{name: np.where(coded, code, count) for name, count in zip(names, counts, strict=True)},
        }
    )
    y = (rng.random(n) < 1 / (1 + np.exp(-z - 2.5 * coded))).astype(int)
    return Portfolio(X, y, ~coded & (sum(counts) >= 2))


@pytest.mark.filterwarnings("ignore::morosidad.errors.SuspectedCodesWarning")
def test_who_was_late_is_ranked_as_risky_by_the_default_model() -> None:
    known, new = portfolio(2000, 0), portfolio(4000, 1)
    scorer = Scorer.train(known.X, known.y, progress=False)
    out = scorer.score_frame(new.X)
    late, others = out[new.late], out[~new.late]
    assert new.y[new.late].mean() > 5 * new.y[~new.late].mean()
    assert late.probability.mean() > 5 * others.probability.mean()
    assert (late.outcome == "aprobar").mean() < 0.3 < 0.9 < (others.outcome == "aprobar").mean()
    more = new.X.assign(moras_90=new.X["moras_90"].clip(upper=2) + 1)
    assert scorer.predict_proba(more)[:, 1].mean() > 1.5 * scorer.predict_proba(new.X)[:, 1].mean()
    plain = make_pipeline(Preprocessor(Schema.infer(known.X)), LogisticRegression(max_iter=1000))
    peer = plain.fit(known.X, known.y).predict_proba(new.X)[:, 1]
    assert roc_auc_score(new.y, out.probability) > roc_auc_score(new.y, peer)
