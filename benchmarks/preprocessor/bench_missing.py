"""What each way of `Preprocessor` with missing values does to the AUC: the same folds, values blanked.

Both data sets are whole, so values are blanked: a fifth of each field at random, or not at random, where a
value that counts against the applicant is left out twice in five times and others never are. The folds are
those of the other figures (5, stratified, seed 0); German is blanked ten times over, Taiwan once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # small trees gain nothing from threads, and lose much where others work

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

sys.path.insert(0, str(Path(__file__).parents[1]))
from measuring import data, full, sets
from morosidad import Preprocessor, Schema

TIMES = {"german": 10}
MODES = ("impute", "indicator", "keep")
WAYS = ("at random", "not at random")
SHARE = 0.2


def blanked(X: pd.DataFrame, y: pd.Series[int], way: str, seed: int) -> pd.DataFrame:
    """Blank values: everywhere alike, or those that count against the applicant."""
    rng = np.random.default_rng(seed)
    chance = pd.DataFrame(SHARE, index=X.index, columns=X.columns)
    if way == "not at random":
        for name in X:
            rate = y.groupby(X[name].map(rank_of(X[name]))).transform("mean")
            chance[name] = np.where(rate > y.mean(), 2 * SHARE, 0.0)
    return X.mask(rng.random(X.shape) < chance.to_numpy())


def rank_of(column: pd.Series[Any]) -> Any:
    """Give what puts a value in a group: categories as they are, numbers below or above their median."""
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > 12:
        middle = column.median()
        return lambda value: value > middle
    return lambda value: value


def model_of(kind: str, mode: Any, schema: Schema) -> Any:
    if kind == "logistic regression":
        return make_pipeline(Preprocessor(schema, missing=mode), LogisticRegression(max_iter=2000))
    trees = HistGradientBoostingClassifier(learning_rate=0.05, max_leaf_nodes=8, random_state=0)
    return make_pipeline(Preprocessor(schema, missing=mode, scale=False, encoding="ordinal"), trees)


def measured(name: str, kind: str, way: str) -> dict[str, np.ndarray[Any, Any]]:
    """Give the AUC of each fold and each time of blanking, by mode."""
    whole, y = data(name)
    found: dict[str, list[float]] = {
        mode: [] for mode in MODES if kind != "logistic regression" or mode != "keep"
    }
    for seed in range(full(TIMES.get(name, 1), 1)):
        X = blanked(whole, y, way, seed)
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        for train, test in folds.split(X, y):
            schema = Schema.infer(X.iloc[train])
            for mode, each in found.items():
                model = model_of(kind, mode, schema).fit(X.iloc[train], y.iloc[train])
                each.append(roc_auc_score(y.iloc[test], model.predict_proba(X.iloc[test])[:, 1]))
    return {mode: np.array(each) for mode, each in found.items()}


def main() -> None:
    print("AUC; in brackets its difference from 'impute' on the same folds, ± its standard error")
    for name in sets("german", "taiwan"):
        for kind in ("logistic regression", "boosted trees"):
            for way in WAYS:
                found = measured(name, kind, way)
                parts = [
                    f"{mode} {auc.mean():.4f}{beside(auc, found['impute'])}" for mode, auc in found.items()
                ]
                print(f"{name:<10} {kind:<20} {way:<14} {'   '.join(parts)}", flush=True)


def beside(auc: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> str:
    """Write a difference, but that from itself; folds of one time of blanking are averaged first."""
    if auc is other:
        return ""
    gap = (auc - other).reshape(-1, 5)
    each = gap.mean(axis=1) if len(gap) > 1 else gap[0]
    return f" ({gap.mean():+.4f} ± {each.std(ddof=1) / np.sqrt(len(each)):.4f})"


if __name__ == "__main__":
    main()
