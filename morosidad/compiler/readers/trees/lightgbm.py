"""Reader of LightGBM's boosters, from the text that they save.

Nothing is imported from LightGBM: a fitted estimator writes its own model down, and that is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.forms.form import OnLogOdds
from morosidad.compiler.forms.tabulation import tabulated
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.expressions import LIGHTGBM_ZERO, ZeroIsMissing
from morosidad.compiler.readers.trees.tree_builder import Tree, build_trees, category_numbers
from morosidad.compiler.registry import Compiler, NotCompilable, compiles

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_IS_ZERO, _MISSING_IS_NAN = 1, 2


def _zeroed(values: Floats) -> Floats:
    return np.where(np.abs(values) <= LIGHTGBM_ZERO, 0.0, values)


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
    return tabulated(
        build_trees(Boosting, trees, [*columns, *zeros], compiler, rounding=_zeroed, subsets=subsets)
    )


def _with_levels(columns: Sequence[Expr], levels: Sequence[Sequence[Any]], text: str) -> list[Expr]:
    """Put the numbering of their categories around pandas' category columns."""
    found = re.search(r"^\[categorical_feature: ([\d,]*)\]", text, re.MULTILINE)
    places = [int(place) for place in found[1].split(",") if place] if found else []
    if levels and len(levels) != len(places):
        raise NotCompilable("LGBMClassifier with both pandas categories and others has no compiled form")
    known = dict(zip(places, levels, strict=False))
    return [category_numbers(c, known[i]) if i in known else c for i, c in enumerate(columns)]


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
