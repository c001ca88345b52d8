"""Models alone, one row, beside all that can ask the same model: ``python benchmarks/bench_trees_alone.py``.

One fitted model, fifty applicants one by one, one thread, in turns: scikit-learn or the library itself,
treelite (its interpreter GTIL and, for boosting, the C that tl2cgen makes of it, its DMatrix included),
ONNX Runtime where skl2onnx converts the model. Beside the times stands the largest difference from the
fitted model's own probabilities on a thousand rows. What is not installed, or does not convert, is said
in its row. Name models to run only those.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from bench_trees import MODELS, grown, head, model, row, times, us
from numpy.typing import NDArray

from measuring import SMOKE, Calls, data, full, in_turns, words
from morosidad import Schema
from morosidad.compiler import compile_pipeline

Ask = Callable[[NDArray[Any]], Any]
ROWS = 1000


def itself(kind: str, fitted: Any) -> tuple[Ask, type]:
    """Ask the library that grew the trees, in its quickest way for one row."""
    if kind == "lightgbm":
        return partial(fitted.booster_.predict, num_threads=1), np.float64
    if kind == "xgboost":
        fitted.get_booster().set_param({"nthread": 1})
        return fitted.get_booster().inplace_predict, np.float64
    return fitted.predict_proba, np.float64


def to_treelite(kind: str, fitted: Any) -> Any:
    import treelite

    if kind == "lightgbm":
        return treelite.frontend.from_lightgbm(fitted.booster_)
    if kind == "xgboost":
        return treelite.frontend.from_xgboost(fitted.get_booster())
    return treelite.sklearn.import_model(fitted)


def gtil(kind: str, fitted: Any) -> tuple[Ask, type]:
    from treelite.gtil import predict

    forest = to_treelite(kind, fitted)
    return partial(predict, forest, nthread=1), np.float32 if kind == "xgboost" else np.float64


def tl2cgen(kind: str, fitted: Any) -> tuple[Ask, type]:
    if "forest" in kind:
        raise ValueError("the C source of a forest takes a compiler too long")
    import tl2cgen as generator

    folder = tempfile.mkdtemp()
    path = f"{folder}/model.so"
    generator.export_lib(
        to_treelite(kind, fitted), toolchain="gcc", libpath=path, params={"parallel_comp": 4}
    )
    predictor = generator.Predictor(path, nthread=1)
    dtype = np.float32 if kind == "xgboost" else np.float64
    return lambda rows: predictor.predict(generator.DMatrix(rows, dtype=dtype.__name__)), dtype


def onnx(kind: str, fitted: Any) -> tuple[Ask, type]:
    from onnxruntime import InferenceSession, SessionOptions
    from skl2onnx import to_onnx

    options = SessionOptions()
    options.intra_op_num_threads = 1
    some = np.zeros((1, fitted.n_features_in_), np.float32)
    with contextlib.redirect_stderr(None):
        converted = to_onnx(fitted, some, options={"zipmap": False}).SerializeToString()
    session = InferenceSession(converted, options, providers=["CPUExecutionProvider"])
    return lambda rows: session.run(None, {"X": rows})[1], np.float32


OTHERS = {
    "its own library": itself,
    "treelite, GTIL": gtil,
    "treelite, tl2cgen": tl2cgen,
    "ONNX Runtime": onnx,
}


def last_column(answer: Any) -> NDArray[Any]:
    """Give the probability of default, however the answer is shaped."""
    found = np.asarray(answer)
    return found.reshape(len(found), -1)[:, -1]


def measure(kind: str) -> None:
    """Fit one model, and ask it through whatever can."""
    X, y = data("synthetic" if SMOKE else "taiwan")
    X = X.select_dtypes("number").astype(float)
    fitted = model(kind).fit(X if kind == "ebm" else X.to_numpy(), y)
    rows = [tuple(row) for row in X.iloc[:50].to_numpy().tolist()]
    compiled = compile_pipeline(fitted, Schema.infer(X), rows)
    assert compiled.compiled, compiled.notes
    table = X.to_numpy()[:ROWS]
    truth = fitted.predict_proba(table)[:, 1]
    mine = np.array([compiled.predict_one(tuple(row)) for row in table.tolist()])
    calls: Calls = {"ours": (lambda: [compiled.predict_one(r) for r in rows], 10)}
    gaps = {"ours": np.abs(mine - truth).max()}
    for name, ready in OTHERS.items():
        try:
            ask, dtype = ready(kind, fitted)
            gaps[name] = np.abs(last_column(ask(table.astype(dtype))) - truth).max()
            ones = [table[i : i + 1].astype(dtype) for i in range(len(rows))]
            calls[name] = (lambda ask=ask, ones=ones: [ask(one) for one in ones], 1)
        except Exception as error:
            why = " ".join(str(error).split())[:70]
            row(kind, name, f"left out: {type(error).__name__}: {why}", "", "", "", "")
    took = in_turns(calls, clock=time.process_time)
    ours = took.pop("ours")
    for name, theirs in took.items():
        cells = (
            us(theirs / len(rows)),
            us(ours / len(rows)),
            times(theirs / ours),
            f"{gaps[name]:.0e}",
            f"{gaps['ours']:.0e}",
        )
        row(kind, name, *cells)


def main(kinds: list[str]) -> None:
    warnings.simplefilter("ignore")
    head(
        "the model alone, one row",
        "asked through",
        "theirs",
        "ours",
        "ratio",
        r"theirs \|Δp\|",
        r"ours \|Δp\|",
    )
    for kind in kinds or full(MODELS, ("hist",)):
        if grown(kind):
            measure(kind)


if __name__ == "__main__":
    main(words())
