"""Frames drawn column by column in every data type, and pipelines fitted on them."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

ROWS = 24
NUMBERS = (
    "float64", "float32", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    "uint64", "Int64", "Int8", "Float64", "Float32", "bool", "boolean", "object-bool", "object-int",
    "double[pyarrow]", "int64[pyarrow]",
)  # fmt: skip
TEXTS = (
    "object-None", "object-nan", "object-both", "category", "category-ordered", "category-int", "str",
    "string", "string[pyarrow]",
)  # fmt: skip
if find_spec("pyarrow") is None:
    NUMBERS = tuple(name for name in NUMBERS if "pyarrow" not in name)
    TEXTS = tuple(name for name in TEXTS if "pyarrow" not in name)
GAPS = {"float64", "float32", "float16", "Int64", "Int8", "Float64", "Float32", "boolean", "object-bool"}
LABELS = ((0, 1), (False, True), ("bueno", "malo"), (-1, 1), (1, 2))


def number_column(rng: np.random.Generator, dtype: str) -> pd.Series[Any]:
    whole = rng.integers(0, 90, ROWS)
    gaps = rng.random(ROWS) < 0.15
    if dtype in ("bool", "boolean", "object-bool"):
        truths = pd.Series(whole > 40)
        if dtype == "bool":
            return truths
        cells = truths.astype(object).mask(gaps, None)
        return cells.astype("boolean") if dtype == "boolean" else cells
    if dtype == "object-int":
        return pd.Series(whole.tolist(), dtype=object)
    if dtype.startswith(("float", "Float", "double")):
        column = pd.Series(whole + np.round(rng.random(ROWS), 4)).astype(dtype)
    else:
        column = pd.Series(whole).astype(dtype)
    return column.mask(gaps) if dtype in GAPS else column


def text_column(rng: np.random.Generator, dtype: str) -> pd.Series[Any]:
    levels = ["fijo", "libre", "otro"]
    cells = pd.Series([levels[i] for i in rng.integers(0, 3, ROWS)], dtype=object)
    gaps = rng.random(ROWS) < 0.2
    if dtype == "category-int":
        numbers = pd.Series(rng.integers(1, 4, ROWS))
        return numbers.astype(pd.CategoricalDtype([3, 1, 2]))
    if dtype.startswith("object"):
        absent = {"object-None": [None], "object-nan": [np.nan], "object-both": [None, np.nan]}[dtype]
        places = np.flatnonzero(gaps)
        for at, place in enumerate(places):
            cells.iloc[place] = absent[at % len(absent)]
        return cells
    if dtype.startswith("string"):  # scikit-learn's encoders refuse pandas' NA
        return cells.astype(dtype)
    cells = cells.mask(gaps, None)
    if dtype.startswith("category"):
        return cells.astype(pd.CategoricalDtype(["otro", "fijo", "libre"], ordered="ordered" in dtype))
    return cells.astype(dtype)


@st.composite
def frames(draw: Any) -> tuple[pd.DataFrame, list[str], list[str]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    numbers = draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3))
    texts = draw(st.lists(st.sampled_from(TEXTS), max_size=2))
    columns = {f"n{i}": number_column(rng, dtype) for i, dtype in enumerate(numbers)}
    columns |= {f"t{i}": text_column(rng, dtype) for i, dtype in enumerate(texts)}
    if draw(st.booleans()):
        columns["fecha"] = pd.Series(pd.date_range("2020-01-01", periods=ROWS))
    order = draw(st.permutations(list(columns)))
    frame = pd.DataFrame({name: columns[name] for name in order})
    return frame, [f"n{i}" for i in range(len(numbers))], [f"t{i}" for i in range(len(texts))]


def target(frame: pd.DataFrame, labels: tuple[Any, Any]) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(len(frame.columns))
    turn = rng.random(len(frame)) < 0.4
    turn[:2] = [False, True]
    return np.array([labels[int(one)] for one in turn], dtype=object if isinstance(labels[0], str) else None)


def to_float(x: Any) -> Any:
    return x.astype("float64") if hasattr(x, "columns") else np.asarray(x, dtype=float)


def fitted(
    frame: pd.DataFrame,
    numbers: list[str],
    texts: list[str],
    kind: str,
    y: Any,
    plain: bool = False,
    effect: Any = None,
) -> Any:
    model: Any = {
        "logistic": LogisticRegression(max_iter=300),
        "tree": DecisionTreeClassifier(max_depth=4, random_state=0),
        "boosting": HistGradientBoostingClassifier(max_iter=4, random_state=0),
        "neighbours": KNeighborsClassifier(3),
    }[kind]
    floats = FunctionTransformer(to_float)
    steps = [SimpleImputer(), StandardScaler()] if plain else [floats, SimpleImputer(), StandardScaler()]
    if effect is not None:
        steps.insert(len(steps) - 2, FunctionTransformer(effect))
    parts: list[Any] = [(make_pipeline(*steps), numbers)]
    if texts:
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        parts.append((encoder, texts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_pipeline(make_column_transformer(*parts), model).fit(frame, y)


# -- effects that a row alone does not have: here, where another process finds them --


def ranked(x: pd.DataFrame) -> pd.DataFrame:
    return x.rank()


def centred(x: pd.DataFrame) -> pd.DataFrame:
    return x - x.mean()


def coded(x: pd.DataFrame) -> pd.DataFrame:
    return x.apply(lambda column: column.astype("category").cat.codes)
