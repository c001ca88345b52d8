"""Shares of many records at once are those of each alone, to the last bit, however its leaves are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from morosidad.compiler.backends.choice import walker_of
from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.backends.python_trees import PythonWalker
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.nodes.lookups import CategoryPosition

pytest.importorskip("numba")

NUMBERS = np.array([-np.inf, -1.5, -0.0, 0.0, 0.5, 1.0, 1e300, np.inf])


def trees_of(rng, leaves, n_trees, n_fields, categories=3):
    """Grow trees with so many leaves each over numbers, and two sets of a category in the last column."""
    child, n = [0] * n_trees, n_trees
    for root in range(n_trees):
        open_ = [root]
        for _ in range(leaves - 1):
            place = open_.pop(int(rng.integers(len(open_))))
            child[place] = n
            child += [0, 0]
            open_ += [n, n + 1]
            n += 2
    splits = np.array(child) > 0
    column = rng.integers(0, n_fields + 1, n)
    sets = splits & (column == n_fields)
    edges = np.where(rng.random(n) < 0.3, rng.choice(NUMBERS, n), rng.normal(size=n).round(1))
    return Boosting(
        (*map(Raw, range(n_fields)), CategoryPosition(Raw(n_fields), tuple(map(str, range(categories))))),
        np.array(child, np.int32),
        column.astype(np.int32),
        np.where(splits, edges, rng.normal(size=n)),
        splits & ~sets & (rng.random(n) < 0.5),
        np.where(sets, (categories + 2) * rng.integers(0, 2, n), -1).astype(np.int32),
        rng.random(2 * (categories + 2)) < 0.5,
        n_trees=n_trees,
        n_fields=n_fields + 1,
    )


def rows_of(rng, n, n_fields, categories=3):
    found = np.where(rng.random((n_fields, n)) < 0.2, rng.choice(NUMBERS, (n_fields, n)), 0.0)
    found += rng.normal(size=(n_fields, n)).round(1)
    found[rng.random(found.shape) < 0.1] = np.nan
    return np.vstack([found, rng.integers(0, categories + 2, n).astype(float)])


def alone(trees, reference):
    """Make the function of one record, of the bytes of its numbers."""
    code = FunctionSource(1, frozenset([0]))
    shares = code.function("shares", walker_of(trees).emit_shares(code, code.field(0), reference))
    return lambda row: shares((row.tobytes(),))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    leaves=st.sampled_from([1, 2, 3, 8, 31, 63, 64, 65, 90]),
    n_trees=st.integers(1, 4),
    n_fields=st.integers(1, 9),
    categories=st.sampled_from([3, 61, 62, 63, 90]),
    seed=st.integers(0, 2**32 - 1),
)
def test_shares_are_those_of_each_record(leaves, n_trees, n_fields, categories, seed):
    rng = np.random.default_rng(seed)
    trees = trees_of(rng, leaves, n_trees, n_fields, categories)
    reference, rows = rows_of(rng, 1, n_fields, categories)[:, 0], rows_of(rng, 40, n_fields, categories)
    found, one = walker_of(trees).shares(rows, reference[None]), alone(trees, reference)
    np.testing.assert_array_equal(found, [one(row) for row in rows.T])
    expected = PythonWalker(trees).shares(rows, reference[None])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_more_sets_of_leaves_than_are_remembered():
    rng = np.random.default_rng(0)
    trees = trees_of(rng, 64, 2, 40)
    reference, rows = rows_of(rng, 1, 40)[:, 0], rows_of(rng, 9000, 40)
    found, one = walker_of(trees).shares(rows, reference[None]), alone(trees, reference)
    for place in (*range(0, 9000, 7), 8191, 8192, 8999):
        assert found[place].tolist() == one(rows[:, place])


def test_another_reference_is_another_preparation():
    rng = np.random.default_rng(1)
    trees = trees_of(rng, 8, 3, 4)
    walker, rows, two = walker_of(trees), rows_of(rng, 20, 4), rows_of(rng, 2, 4).T
    first, second = walker.shares(rows, two[:1]), walker.shares(rows, two[1:])
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(walker.shares(rows, two[:1]), first)
    np.testing.assert_allclose(walker.shares(rows, two), (first + second) / 2.0, rtol=0, atol=1e-12)


def test_no_rows_have_no_shares():
    trees = trees_of(np.random.default_rng(2), 8, 3, 4)
    assert walker_of(trees).shares(np.empty((5, 0)), np.zeros((1, 5))).shape == (0, len(trees.players))
