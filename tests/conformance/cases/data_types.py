"""The kinds of columns that people hold their applicants in, and where columns stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from conformance.applicants import gaps, mixed, numbers, prepared, texts
from conformance.case import EXACT, SINGLE, Built, Group
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeClassifier

from morosidad import Schema

GROUP = Group("data types")

SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
NULLABLE = ("Int8", "Int64", "UInt8", "UInt32", "Float32", "Float64")
ARROW = ("float[pyarrow]", "double[pyarrow]", "int8[pyarrow]", "int64[pyarrow]", "uint16[pyarrow]")


def _models() -> dict[str, Callable[[], Any]]:
    """Give the kinds of pipelines that treat numbers otherwise."""
    return {
        "logistic": lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        "boosting": lambda: HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=7),
        "tree": lambda: DecisionTreeClassifier(max_depth=5, random_state=0),
        "columns": lambda: make_pipeline(
            make_column_transformer((StandardScaler(), ["ingresos", "deuda"]), remainder="passthrough"),
            HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=7),
        ),
    }


def _numbers_as(kind: str) -> tuple[pd.DataFrame, Any]:
    """Give numbers in one data type, with gaps where it can hold them."""
    whole = "int" in kind.lower()
    X, y = numbers() if whole and not _nullable(kind) else gaps()
    if whole:
        X = X.assign(ingresos=X["ingresos"] / 100, deuda=X["deuda"] / 100, uso=X["uso"] * 100).round()
        X = X.clip(upper=120)
    return X.astype(kind), y


def _nullable(kind: str) -> bool:
    return kind[0].isupper() or "pyarrow" in kind


def _fitted(model: Callable[[], Any], X: Any, y: Any) -> Built:
    return Built(model().fit(X, y), X)


def _numeric_types() -> None:
    """Leave out what scikit-learn itself refuses: columns of nullable types that pass through."""
    for kind in ("float64", "float32", "float16", *SIGNED, *UNSIGNED, *NULLABLE, *ARROW):
        single = kind.lower() in ("float32", "float16", "float[pyarrow]")
        for name, model in _models().items():
            if name == "columns" and _nullable(kind):
                continue

            def build(kind: str = kind, model: Callable[[], Any] = model) -> Built:
                return _fitted(model, *_numbers_as(kind))

            GROUP.add(
                kind, build, name, tolerance=SINGLE if single else EXACT, long=_left_for_long(kind, name)
            )


def _left_for_long(kind: str, model: str) -> bool:
    usual = kind in ("float32", "float16", "uint8", "Int64", "double[pyarrow]")
    return (
        model == "tree" or (model == "columns" and kind != "float32") or (model == "boosting" and not usual)
    )


def _some_float32() -> Built:
    X, y = gaps()
    return _fitted(_models()["logistic"], X.astype({"ingresos": "float32"}), y)


def _big_integers(kind: str) -> Built:
    X, y = numbers()
    X = X.assign(ingresos=(X["ingresos"] * 1e13).astype(kind) + np.array(1, dtype=kind))
    return _fitted(_models()["logistic"], X, y)


# -- texts, truths, categories -----------------------------------------------------------------------


def _texts_as(kind: Any, encoder: Callable[[], Any], *, missing: bool) -> Built:
    X, y = texts(missing=missing)
    X = X.astype(kind)
    return Built(make_pipeline(encoder(), LogisticRegression()).fit(X, y), X)


def _encoders() -> dict[str, Callable[[], Any]]:
    return {
        "one-hot": lambda: OneHotEncoder(handle_unknown="ignore"),
        "ordinal": lambda: OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
        ),
        "target": TargetEncoder,
    }


def _text_types() -> None:
    """Leave out what scikit-learn itself refuses: pandas' NA among texts."""
    for kind in (
        "object",
        "str",
        "string",
        "string[python]",
        "string[pyarrow]",
        "category",
        "large_string[pyarrow]",
    ):
        for name, encoder in _encoders().items():
            for missing in (False,) if "string" in kind else (False, True):

                def build(
                    kind: str = kind, encoder: Callable[[], Any] = encoder, missing: bool = missing
                ) -> Built:
                    return _texts_as(kind, encoder, missing=missing)

                words = f"{name}, {'gaps' if missing else 'whole'}"
                GROUP.add(kind, build, words, long=name == "target" or not missing)


def _none_and_nan() -> Built:
    X, y = texts()
    X = X.astype(object)
    X.loc[X.index[::7], "empleo"] = None
    X.loc[X.index[3::7], "empleo"] = np.nan
    return Built(make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(X, y), X)


def _truths(kind: str, missing: bool) -> Built:
    X, y = mixed()
    values = (X["edad"] > 40).astype(object)
    if missing:
        values[::9] = pd.NA if kind in ("boolean", "bool[pyarrow]") else None
    X = X[["ingresos", "uso"]].assign(propia=values.astype(kind))
    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), ["ingresos", "uso"]),
            (OneHotEncoder(handle_unknown="ignore"), ["propia"]),
        ),
        LogisticRegression(),
    )
    return Built(model.fit(X, y), X)


def _truths_as_numbers(kind: str) -> Built:
    X, y = numbers()
    X = X[["ingresos", "uso"]].assign(propia=(X["edad"] > 40).astype(kind))
    return _fitted(_models()["logistic"], X, y)


def _truths_to_trees() -> Built:
    X, y = numbers()
    values = (X["edad"] > 40).astype(object)
    values[::9] = np.nan
    X = X[["ingresos", "uso"]].assign(propia=values)
    return _fitted(_models()["boosting"], X, y)


def _categories(levels: list[Any], ordered: bool, model: Callable[[], Any]) -> Built:
    X, y = texts()
    kind = pd.CategoricalDtype(levels, ordered=ordered)
    X = X.assign(region=X["region"].astype(kind), empleo=X["empleo"].astype("category"))
    X = X.drop(columns="vivienda").assign(uso=numbers()[0]["uso"])
    return Built(model().fit(X, y), X)


def _category_types() -> None:
    own = ["sur", "norte", "isla", "oeste", "este"]
    native = {
        "boosting": lambda: HistGradientBoostingClassifier(
            max_iter=5, max_leaf_nodes=7, categorical_features="from_dtype"
        ),
        "one-hot": lambda: make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), ["region", "empleo"]), remainder="passthrough"
            ),
            LogisticRegression(),
        ),
    }
    for name, model in native.items():
        for words, levels, ordered in (
            ("own order", own, False),
            ("ordered", own, True),
            ("unused", [*own, "luna"], False),
            ("lacks some", own[:3], False),
        ):

            def build(
                levels: list[Any] = levels, ordered: bool = ordered, model: Callable[[], Any] = model
            ) -> Built:
                return _categories(levels, ordered, model)

            GROUP.add("category", build, f"{name}, {words}")
    GROUP.add("category", _category_of_numbers, "boosting, of integers")
    GROUP.add("category", _category_through_columns, "boosting behind columns")


def _category_of_numbers() -> Built:
    X, y = numbers()
    kind = pd.CategoricalDtype([3, 0, 2, 1, 4, 5, 6, 7, 8])
    X = X.assign(moras=X["moras"].astype(kind))
    return Built(HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=7).fit(X, y), X)


def _category_through_columns() -> Built:
    X, y = texts()
    X = X.astype("category").assign(uso=numbers()[0]["uso"])
    keep = make_column_transformer((StandardScaler(), ["uso"]), remainder="passthrough")
    keep.set_output(transform="pandas")
    return Built(
        make_pipeline(keep, HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=7)).fit(X, y), X
    )


# -- where columns stand -------------------------------------------------------------------------------


def _plain_model() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def _array(frame: bool) -> Built:
    X, y = numbers()
    return Built(_plain_model().fit(X.to_numpy(), y), X if frame else X.to_numpy())


def _integer_names() -> Built:
    X, y = numbers()
    X.columns = range(5)
    return Built(_plain_model().fit(X, y), X)


def _double_names() -> Built:
    X, y = numbers()
    X.columns = ["a", "b", "a", "c", "d"]
    return Built(_plain_model().fit(X.to_numpy(), y), X)


def _schema_order(named: bool) -> Built:
    X, y = numbers()
    schema = Schema.infer(X[X.columns[::-1]])
    return Built(_plain_model().fit(X if named else X.to_numpy(), y), X, {"schema": schema})


def _reference_order() -> Built:
    X, y = mixed()
    return Built(make_pipeline(prepared(), LogisticRegression()).fit(X, y), X[X.columns[::-1]])


def _names_with_signs() -> Built:
    X, y = numbers()
    X.columns = ["ingresos (€)", "deuda:total", "uso [%]", "a'b\"c", "línea\nnueva"]
    return Built(_plain_model().fit(X, y), X)


def _own_index() -> Built:
    X, y = mixed()
    X.index = pd.Index([f"c{i}" for i in range(len(X))])
    return Built(make_pipeline(prepared(), LogisticRegression()).fit(X, y), X)


def _dropped(column: Any) -> Built:
    X, y = numbers()
    X = X.assign(sobra=column(len(X)))
    keep = make_column_transformer((StandardScaler(), ["ingresos", "uso"]), ("passthrough", ["moras"]))
    return Built(make_pipeline(keep, LogisticRegression()).fit(X, y), X)


def _empty_column() -> Built:
    X, y = gaps()
    X = X.assign(vacia=np.nan)
    model = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), LogisticRegression())
    return Built(model.fit(X, y), X)


def _numbers_in_objects() -> Built:
    X, y = gaps()
    return _fitted(_models()["logistic"], X.astype(object), y)


def _places() -> None:
    GROUP.add("array", lambda: _array(True), "asked with a frame", expected="answer")
    GROUP.add("array", lambda: _array(False), "asked with an array", expected="answer")
    GROUP.add("columns", _integer_names, "integer names", expected="answer")
    GROUP.add("columns", _double_names, "one name twice", expected="refused")
    GROUP.add(
        "columns", lambda: _schema_order(True), "schema in another order, names kept", expected="answer"
    )
    GROUP.add(
        "columns",
        lambda: _schema_order(False),
        "schema in another order, fitted on an array",
        expected="answer",
    )
    GROUP.add("columns", _reference_order, "reference in another order", expected="answer")
    GROUP.add("columns", _names_with_signs, "names with signs", expected="answer")
    GROUP.add("columns", _own_index, "own index", expected="answer")
    GROUP.add("columns", _empty_column, "without any value", expected="answer")
    GROUP.add("columns", _numbers_in_objects, "numbers in objects")
    fillings: dict[str, Callable[[int], Any]] = {
        "dates": lambda n: pd.date_range("2020-01-01", periods=n),
        "date strings": lambda n: [f"2020-01-{i % 28 + 1:02}" for i in range(n)],
        "durations": lambda n: pd.to_timedelta(np.arange(n), unit="h"),
        "identifiers": lambda n: [f"id-{i:06}" for i in range(n)],
        "infinities": lambda n: np.where(np.arange(n) % 2, np.inf, 1.0),
        "lists": lambda n: [[i] for i in range(n)],
        "mixed": lambda n: [i if i % 2 else str(i) for i in range(n)],
        "nothing": lambda n: [None] * n,
        "periods": lambda n: pd.period_range("2020-01", periods=n, freq="D"),
    }
    for words, column in fillings.items():
        GROUP.add("dropped column", lambda c=column: _dropped(c), words, expected="answer")


def _dates(kind: str) -> Built:
    X, y = numbers()
    days = pd.Series(pd.date_range("2020-01-01", periods=len(X)))
    X = X[["uso"]].assign(desde=days.astype(kind) if "date" in kind else (days - days[0]).astype(kind))
    return Built(
        HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=7).fit(
            X.assign(desde=X["desde"].astype("int64")), y
        ),
        X,
    )


_numeric_types()
GROUP.add("float32", _some_float32, "one column of several", tolerance=SINGLE)
for kind in ("int64", "uint64"):
    GROUP.add(kind, lambda k=kind: _big_integers(k), "beyond 2**53")
_text_types()
GROUP.add("object", _none_and_nan, "None and NaN apart", records=False)
for kind in ("bool", "object", "boolean", "bool[pyarrow]"):
    GROUP.add(kind, lambda k=kind: _truths(k, False), "truths")
    if kind != "bool":
        GROUP.add(kind, lambda k=kind: _truths(k, True), "truths with gaps")
    if kind != "object":
        GROUP.add(kind, lambda k=kind: _truths_as_numbers(k), "truths as numbers")
GROUP.add("object", _truths_to_trees, "truths with gaps, boosting")
_category_types()
_places()
for kind in ("datetime64[ns]", "datetime64[s]", "timedelta64[ns]", "timedelta64[s]"):
    GROUP.add(kind, lambda k=kind: _dates(k), "as numbers", expected="refused")
