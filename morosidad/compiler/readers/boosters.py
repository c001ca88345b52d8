"""Boosting from other libraries: LightGBM, XGBoost and CatBoost, read from what they save.

Nothing is imported from them: a fitted estimator writes its own model down, and that is read.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.backends.python_source import Code
from morosidad.compiler.forms.form import OnLogOdds
from morosidad.compiler.forms.tabulation import tabulated
from morosidad.compiler.nodes.expressions import Elementwise, Expr, Floats
from morosidad.compiler.nodes.lookups import Lookup, Table
from morosidad.compiler.nodes.thresholds import as_float32
from morosidad.compiler.nodes.trees import Boosting
from morosidad.compiler.readers.tree_builder import Tree, grow
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


def _categories(column: Expr, levels: Sequence[Any]) -> Lookup:
    """Give a column's categories numbers, in their library's order; any other counts as missing."""
    numbers = [*map(float, range(len(levels))), math.nan, math.nan]
    return Lookup(column, Table(tuple(levels), np.array(numbers)[:, None]))


# -- LightGBM --------------------------------------------------------------------------------------

_ZERO = float(np.float32(1e-35))  # LightGBM takes what is nearer to 0 for 0
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_IS_ZERO, _MISSING_IS_NAN = 1, 2


class ZeroIsMissing(Elementwise, frozen=True):
    """A number, or missing where it is 0: LightGBM's ``zero_as_missing``."""

    def emit(self, code: Code) -> str:
        name = code.value(self.of)
        return f"nan if -{_ZERO!r} <= {name} <= {_ZERO!r} else {name}"

    def compute(self, x: Floats) -> Floats:
        return np.where(np.abs(x) <= _ZERO, np.nan, x)

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        return True


def _zeroed(values: Floats) -> Floats:
    return np.where(np.abs(values) <= _ZERO, 0.0, values)


@compiles("lightgbm.LGBMClassifier")
def lightgbm(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> OnLogOdds:
    """Compile LightGBM's trees: numbers in 64 bits, categories in sets."""
    booster = estimator.booster_
    text = booster.model_to_string()
    header, *blocks = text.split("\nTree=")
    objective = re.search(r"^objective=(binary|cross_entropy)\b(?:.*sigmoid:(\S+))?", header, re.MULTILINE)
    if objective is None or "is_linear=1" in text:
        raise NotCompilable("LGBMClassifier with this objective or with linear trees has no compiled form")
    columns = _with_levels(columns, booster.pandas_categorical or [], text)
    factor = float(objective[2] or 1.0) / (len(blocks) if "\naverage_output" in header else 1)
    subsets: list[frozenset[int]] = []
    trees = [_read_lightgbm(_values(block), len(columns), factor, subsets) for block in blocks]
    zeros = [ZeroIsMissing(column) for column in columns]
    return tabulated(grow(Boosting, trees, [*columns, *zeros], compiler, rounding=_zeroed, subsets=subsets))


def _with_levels(columns: Sequence[Expr], levels: Sequence[Sequence[Any]], text: str) -> list[Expr]:
    """Put the numbering of their categories around pandas' category columns."""
    found = re.search(r"^\[categorical_feature: ([\d,]*)\]", text, re.MULTILINE)
    places = [int(place) for place in found[1].split(",") if place] if found else []
    if levels and len(levels) != len(places):
        raise NotCompilable("LGBMClassifier with both pandas categories and others has no compiled form")
    known = dict(zip(places, levels, strict=False))
    return [_categories(c, known[i]) if i in known else c for i, c in enumerate(columns)]


def _values(block: str) -> dict[str, str]:
    """Read the lines ``name=values`` of one tree."""
    lines = block.split("\n\n", 1)[0].splitlines()[1:]
    return dict(line.split("=", 1) for line in lines)


def _read_lightgbm(
    values: Mapping[str, str], n_columns: int, factor: float, subsets: list[frozenset[int]]
) -> Tree:
    """Read one tree: its splits, then its leaves; and add its sets to those of the trees before it."""

    def numbers(name: str, dtype: type) -> NDArray[Any]:
        return np.array(values.get(name, "").split(), dtype=dtype)

    leaf_value = numbers("leaf_value", float) * factor
    kind, threshold = numbers("decision_type", int), numbers("threshold", float)
    n, leaves = len(kind), np.zeros(len(leaf_value))
    left, right = (
        np.where(child < 0, n - 1 - child, child)
        for child in (numbers("left_child", int), numbers("right_child", int))
    )
    categorical, missing = (kind & _CATEGORICAL) > 0, (kind >> 2) & 3
    default_left = (kind & _DEFAULT_LEFT) > 0
    # where nothing was missing in training, a missing number counts as 0; a missing category goes right
    missing_left = np.where(missing == 0, threshold >= 0.0, default_left) & ~categorical
    place = np.where(categorical, threshold, 0.0).astype(int) + len(subsets)
    subsets += _bitsets(numbers("cat_boundaries", int), numbers("cat_threshold", np.int64))
    is_zero = (missing == _MISSING_IS_ZERO) & ~categorical
    return Tree(
        left=np.append(left, np.full(len(leaves), -1)),
        right=np.append(right, np.full(len(leaves), -1)),
        column=np.append(numbers("split_feature", int) + n_columns * is_zero, leaves),
        threshold=np.append(threshold, leaves),
        missing_left=np.append(missing_left, leaves),
        value=np.append(np.zeros(n), leaf_value),
        subset=np.append(np.where(categorical, place, -1), np.full(len(leaves), -1)),
    )


def _bitsets(boundaries: NDArray[Any], words: NDArray[Any]) -> list[frozenset[int]]:
    """Read sets of categories, each a run of 32-bit words."""
    bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
    spans = zip(boundaries[:-1].tolist(), boundaries[1:].tolist(), strict=True)
    return [frozenset(np.flatnonzero(bits[32 * start : 32 * end]).tolist()) for start, end in spans]


# -- XGBoost ---------------------------------------------------------------------------------------


@compiles("xgboost.XGBClassifier", "xgboost.XGBRFClassifier")
def xgboost(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Boosting:
    """Compile XGBoost's trees: numbers in 32 bits, and a sum in 32 bits."""
    booster = estimator.get_booster()
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    objective, kind = learner["objective"]["name"], learner["gradient_booster"]["name"]
    if objective != "binary:logistic" or kind != "gbtree" or not math.isnan(estimator.missing):
        what = f"objective={objective!r}, booster={kind!r}, missing={estimator.missing!r}"
        raise NotCompilable(f"XGBClassifier({what}) has no compiled form")
    model = learner["gradient_booster"]["model"]
    n_trees = len(model["trees"])
    if getattr(estimator, "early_stopping_rounds", None) is not None:
        n_trees = model["iteration_indptr"][booster.best_iteration + 1]
    levels = [_decode(encoded) for encoded in model.get("cats", {}).get("enc", [])]
    columns = [
        _categories(column, levels[i]) if i < len(levels) and levels[i] else column
        for i, column in enumerate(columns)
    ]
    subsets: list[frozenset[int]] = []
    trees = [_read_xgboost(tree, subsets) for tree in model["trees"][:n_trees]]
    probability = np.float32(learner["learner_model_param"]["base_score"].strip("[]"))
    odds = np.float32(1.0) / probability - np.float32(1.0)
    base = float(np.float32(-math.log(odds)))
    return grow(
        Boosting, trees, columns, compiler, rounding=as_float32, subsets=subsets, base=base, narrow=True
    )


def _decode(encoded: Mapping[str, Any]) -> list[Any]:
    """Read a column's categories: text as bytes end to end with where each begins, or numbers."""
    values = list(encoded["values"])
    if "offsets" not in encoded:
        return values
    text = bytes(value % 256 for value in values)
    ends = zip(encoded["offsets"], encoded["offsets"][1:], strict=False)
    try:
        return [text[start:end].decode() for start, end in ends]
    except UnicodeDecodeError:  # XGBoost 3.1 counts letters where it means bytes
        raise NotCompilable(
            "XGBClassifier with categories whose names it has cut short (letters beyond ASCII) has no "
            "compiled form; rename them, or encode them in front of it"
        ) from None


def _read_xgboost(tree: Mapping[str, Any], subsets: list[frozenset[int]]) -> Tree:
    """Read one tree. Numbers *below* a threshold go left, and categories that are *not* in a set."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    subset = np.full(len(left), -1)
    nodes, starts, sizes = tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"]
    for node, start, size in zip(nodes, starts, sizes, strict=True):
        subset[node] = len(subsets)
        subsets.append(frozenset(tree["categories"][start : start + size]))
    turned, default_left = subset >= 0, np.array(tree["default_left"], dtype=bool)
    return Tree(
        left=np.where(turned, right, left),
        right=np.where(turned, left, right),
        column=np.array(tree["split_indices"]),
        threshold=np.nextafter(condition, np.float32(-np.inf)),
        missing_left=default_left ^ turned,
        value=condition,
        subset=subset,
    )


# -- CatBoost --------------------------------------------------------------------------------------


@compiles("catboost.CatBoostClassifier")
def catboost(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Boosting:
    """Compile CatBoost's trees of numbers; what it makes of categories has no compiled form."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        model = json.loads(path.read_text(encoding="utf-8"))
    features = model["features_info"]
    others = [name for name in features if name != "float_features" and features[name]]
    if others:
        raise NotCompilable(
            f"CatBoostClassifier with {' and '.join(others)} has no compiled form: its statistics of "
            f"categories are hashed; encode them in front of it (TargetEncoder, OneHotEncoder)"
        )
    loss = model["model_info"]["params"]["loss_function"]["type"]
    if loss not in ("Logloss", "CrossEntropy"):
        raise NotCompilable(f"CatBoostClassifier(loss_function={loss!r}) has no compiled form")
    by_place = {f["feature_index"]: f for f in features["float_features"]}
    scale, (bias,) = model["scale_and_bias"]
    if "trees" in model:
        trees = [_read_unfolded(tree, by_place, scale) for tree in model["trees"]]
    else:
        trees = [_read_oblivious(tree, by_place, scale) for tree in model["oblivious_trees"]]
    return grow(Boosting, trees, columns, compiler, rounding=as_float32, base=float(bias))


def _read_oblivious(tree: Mapping[str, Any], features: Mapping[int, Any], scale: float) -> Tree:
    """Read a tree with one test on each level: the first decides the lowest bit of the leaf's place."""
    tests = [_test(split, features) for split in tree["splits"]]
    depth, leaves = len(tests), tree["leaf_values"]
    rows: list[tuple[float, ...]] = []
    for level, test in enumerate(tests):
        rows += [(2 * i + 1, 2 * i + 2, *test, 0.0) for i in range(2**level - 1, 2 ** (level + 1) - 1)]
    for path in range(2**depth):
        place = int(f"{path:0{depth}b}"[::-1], 2)
        rows.append((-1, -1, 0, 0.0, False, scale * leaves[place]))
    return Tree(*np.array(rows, dtype=float).T)


def _read_unfolded(tree: Mapping[str, Any], features: Mapping[int, Any], scale: float) -> Tree:
    """Read a tree whose nodes hold their children."""
    rows: list[tuple[float, ...]] = []

    def read(node: Mapping[str, Any]) -> int:
        place = len(rows)
        if "value" in node:
            rows.append((-1, -1, 0, 0.0, False, scale * node["value"]))
        else:
            rows.append(())
            test = _test(node["split"], features)
            rows[place] = (read(node["left"]), read(node["right"]), *test, 0.0)
        return place

    read(tree)
    return Tree(*np.array(rows, dtype=float).T)


def _test(split: Mapping[str, Any], features: Mapping[int, Any]) -> tuple[int, float, bool]:
    """Read a test: the column, the threshold, and whether a missing number goes left."""
    if split["split_type"] != "FloatFeature":
        raise NotCompilable(
            f"CatBoostClassifier with splits of type {split['split_type']} has no compiled form"
        )
    feature = features[split["float_feature_index"]]
    return feature["flat_feature_index"], split["border"], feature["nan_value_treatment"] != "AsTrue"
