"""Many records at once: trees over ranks answer as trees over numbers, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from morosidad.compiler.backends.choice import walker_of
from morosidad.compiler.backends.numba import ranks
from morosidad.compiler.backends.numba.ranks import NODE, rank
from morosidad.compiler.backends.python_trees import PythonWalker
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.nodes.lookups import CategoryPosition

pytest.importorskip("numba")

NUMBERS = [-np.inf, -1.5, -0.0, 0.0, 5e-324, 0.5, 1.0, 1e300, np.inf]
LEVELS = 5
COLUMNS = (Raw(0), Raw(1), CategoryPosition(Raw(2), tuple("abc")))


@st.composite
def tree_models(draw, most_trees=9):
    """Draw trees over two numbers and a category, as arrays: roots first, then pairs of siblings."""
    n_trees = draw(st.integers(1, most_trees))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    open_, child, n = list(range(n_trees)), [0] * n_trees, n_trees
    while open_ and n < 60:
        place = open_.pop(rng.integers(len(open_)))
        if rng.random() < 0.7:
            child[place] = n
            child += [0, 0]
            open_ += [n, n + 1]
            n += 2
    column = rng.integers(0, 3, n)
    splits = np.array(child) > 0
    members = rng.random(4 * LEVELS) < 0.5
    edges = np.where(rng.random(n) < 0.5, rng.choice(NUMBERS, n), rng.normal(size=n).round(1))
    return Boosting(
        COLUMNS,
        np.array(child, np.int32),
        column.astype(np.int32),
        np.where(splits, edges, rng.normal(size=n).astype(np.float32)),
        splits & (column < 2) & (rng.random(n) < 0.5),
        np.where(splits & (column == 2), LEVELS * rng.integers(0, 4, n), -1).astype(np.int32),
        members,
        n_trees=n_trees,
        n_fields=3,
        base=float(np.float32(rng.normal())),
        narrow=bool(rng.integers(2)),
    )


def table(trees, n, rng):
    """Draw rows of thresholds, their neighbours, infinities and missing values."""
    pool = np.r_[trees.number, np.nextafter(trees.number, np.inf), np.nextafter(trees.number, -np.inf)]
    found = rng.choice(np.r_[pool, NUMBERS, np.nan], (3, n))
    found[2] = rng.integers(0, LEVELS, n)
    return found


def totals(trees, rows):
    return walker_of(trees).totals(rows)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree_models(), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_the_sums_over_ranks_are_those_over_numbers(trees, n, seed):
    rows = table(trees, n, np.random.default_rng(seed))
    assert rank(trees).nodes.dtype == NODE
    np.testing.assert_array_equal(totals(trees, rows), PythonWalker(trees).totals(rows))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree_models(), st.integers(0, 2**32 - 1))
def test_more_thresholds_than_a_rank_counts_become_several_inputs(monkeypatch, trees, seed):
    with monkeypatch.context() as patched:
        patched.setattr(ranks, "MAX_EDGES", 2)
        assert (rank(trees).inputs[:, 3] <= 2).all()
        rows = table(trees, 20, np.random.default_rng(seed))
        np.testing.assert_array_equal(totals(trees, rows), PythonWalker(trees).totals(rows))


def deep():
    """Make one tree that tests two columns at several thresholds."""
    child = np.array([1, 3, 5, 0, 0, 0, 0], np.int32)
    column = np.array([0, 1, 1, 0, 0, 0, 0], np.int32)
    number = np.array([0.5, 1.5, 2.5, 1.0, 2.0, 3.0, 4.0])
    none, never = np.full(7, -1, np.int32), np.zeros(7, np.bool_)
    return Boosting((Raw(0), Raw(1)), child, column, number, never, none, never[:0], n_trees=1, n_fields=2)


def test_more_inputs_than_a_node_counts_are_walked_by_python(monkeypatch):
    monkeypatch.setattr(ranks, "MAX_INPUTS", 1)
    trees, rows = deep(), np.array([[0.0, 1.0], [2.0, 2.0]])
    assert rank(trees) is None
    assert totals(trees, rows).tolist() == [2.0, 3.0]


def test_each_threshold_stands_once_and_a_leaf_holds_a_record_where_it_is():
    found = rank(deep())
    assert found.inputs.tolist() == [[0, 0, 0, 1], [1, 0, 1, 2]]
    assert found.edges.tolist() == [0.5, 1.5, 2.5]
    assert found.nodes["rank"].tolist() == [0, 0, 1, *[ranks.BEYOND] * 4]
    assert found.nodes["child"].tolist() == [1, 3, 5, 3, 4, 5, 6]


@pytest.mark.parametrize("n", [1, 7, 8, 64, 100, 1000])
def test_blocks_change_nothing(n, monkeypatch):
    from morosidad.compiler.backends.numba import many_rows

    monkeypatch.setattr(many_rows, "ROWS", 64)
    rows = np.random.default_rng(n).normal(1.0, 1.0, (2, n))
    np.testing.assert_array_equal(totals(deep(), rows), PythonWalker(deep()).totals(rows))
