"""`Scorer.train`'s choice beside other models with their defaults, on the same five folds.

Ours chooses anew inside each training fold: no row that is measured has had a part in the choice.
Figures are of the pooled predictions; seconds are those of all five fits, on one thread each. With
`times`, one fit on made-up applicants of three sizes instead, on all processors.
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from measuring import data, full, installed, sets, words
from morosidad import Scorer
from morosidad.training.fitting import Search, train
from morosidad.training.search.figures import measure

MODULES = {"LightGBM": "lightgbm", "CatBoost": "catboost", "EBM": "interpret"}


def rivals(X: Any) -> dict[str, Callable[[], Any]]:
    """Give what makes each rival, with its defaults."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    def logistic() -> Any:
        columns = make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        )
        return make_pipeline(columns, LogisticRegression(max_iter=1000))

    def lightgbm() -> Any:
        from lightgbm import LGBMClassifier

        return LGBMClassifier(random_state=0, n_jobs=1, verbose=-1)

    def catboost() -> Any:
        from catboost import CatBoostClassifier

        names = list(X.select_dtypes(exclude="number").columns)
        options = {"random_seed": 0, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
        return CatBoostClassifier(cat_features=names, iterations=full(None, 10), **options)

    def ebm() -> Any:
        from interpret.glassbox import ExplainableBoostingClassifier

        return ExplainableBoostingClassifier(random_state=0, n_jobs=1)

    made = {
        "logistic regression": logistic,
        "HistGradientBoosting": lambda: HistGradientBoostingClassifier(random_state=0),
        "LightGBM": lightgbm,
        "CatBoost": catboost,
        "EBM": ebm,
    }
    if full(False, True):
        made.pop("EBM")
    return {name: make for name, make in made.items() if name not in MODULES or installed(MODULES[name])}


def pooled(X: Any, y: Any, predict: Callable[[Any, Any, Any], Any]) -> str:
    """Predict each fold from the others; give the figures as cells of a table."""
    found = np.empty(len(y))
    wall, processor = time.perf_counter(), time.process_time()
    for kept, held in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
        found[held] = predict(X.iloc[kept], y[kept], X.iloc[held])
    took = time.process_time() - processor, time.perf_counter() - wall
    p = np.clip(found, 1e-12, 1 - 1e-12)
    f = measure(y == 1, np.log(p / (1 - p)))
    numbers = f"{f.auc:.4f} | {f.gini:.4f} | {f.ks:.4f} | {f.brier:.5f} | {f.ece:.4f}"
    return f"{numbers} | {took[0]:.1f} | {took[1]:.1f} |"


def times() -> None:
    """Print how long one fit takes on made-up applicants of several sizes."""
    print("| rows | columns | wall s | CPU s |")
    print("|---|---|---|---|")
    for n_rows, n_columns in full([(1_000, 20), (30_000, 23), (150_000, 10)], [(400, 6)]):
        X, y = made_up(n_rows, n_columns)
        wall, processor = time.perf_counter(), time.process_time()
        Scorer.train(X, y, progress=False)
        took = time.perf_counter() - wall, time.process_time() - processor
        print(f"| {n_rows:,} | {n_columns} | {took[0]:.1f} | {took[1]:.1f} |", flush=True)


def made_up(n_rows: int, n_columns: int) -> tuple[Any, Any]:
    """Make applicants up: numbers even and skewed, two categories, an interaction."""
    rng = np.random.default_rng(0)
    draws = (
        rng.lognormal(size=n_rows) if i % 3 == 0 else rng.normal(size=n_rows) for i in range(n_columns - 2)
    )
    X = pd.DataFrame({f"n{i}": column for i, column in enumerate(draws)})
    X["c0"], X["c1"] = rng.choice(list("abcdefg"), n_rows), rng.choice(["si", "no", "na"], n_rows)
    z = X["n1"] - 0.5 * np.log(X["n0"]) + 0.7 * X["n2"] * X["n1"] + 0.8 * (X["c0"] == "a") - 1.5
    return X, (rng.random(n_rows) < 1.0 / (1.0 + np.exp(-z))).astype(int)


def main() -> None:
    """Print a table for each data set, or that of times."""
    from threadpoolctl import threadpool_limits

    warnings.simplefilter("ignore")
    if "times" in words():
        return times()
    print("| data | model | AUC | Gini | KS | Brier | ECE | CPU s | wall s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in sets("german", "taiwan"):
        X, y = data(name)
        y = y.to_numpy()
        texts = dict.fromkeys(X.select_dtypes(exclude="number").columns, "category")

        def ours(A: Any, b: Any, C: Any) -> Any:
            return train(A, b, search=Search(progress=False, n_jobs=1)).pipeline.predict_proba(C)[:, 1]

        with threadpool_limits(limits=1):
            print(f"| {name} | Scorer.train | {pooled(X, y, ours)}", flush=True)
            for rival, make in rivals(X).items():
                Z = X if rival in ("CatBoost", "logistic regression") else X.astype(texts)

                def theirs(A: Any, b: Any, C: Any, make: Callable[[], Any] = make) -> Any:
                    return make().fit(A, b).predict_proba(C)[:, 1]

                print(f"| {name} | {rival} | {pooled(Z, y, theirs)}", flush=True)
    return None


if __name__ == "__main__":
    main()
