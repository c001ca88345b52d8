"""How readers make columns and classifiers of dense steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from morosidad.compiler.forms.dense.network import Network
from morosidad.compiler.nodes.base import DEEPEST, Expr, Floats, Text
from morosidad.compiler.nodes.dense.algebra import Affine, Beside, Products
from morosidad.compiler.nodes.dense.step import DenseBlock, DenseStep, Element
from morosidad.compiler.registry import Compiler, NotCompilable


def dense_columns(
    step: DenseStep, columns: Sequence[Expr], compiler: Compiler, *, keeps_sparse: bool = False
) -> list[Expr]:
    """Make the columns that a dense step gives.

    Parameters
    ----------
    step : DenseStep
        Of as many inputs as there are columns.
    columns : sequence of Expr
        What it is given; a record without one of them has no answer.
    compiler : Compiler
        Takes the demands.
    keeps_sparse : bool, default=False
        Whether the estimator gives a sparse matrix where it is given one; others give a dense one.

    Returns
    -------
    list of Expr

    Raises
    ------
    NotCompilable
        If a column may be missing all the same, or too many dense steps stand one behind the other.
    """
    compiler.require(*columns)
    compiler.sparse = compiler.sparse and keeps_sparse
    block = DenseBlock(tuple(columns), step)
    if block.depth > DEEPEST:
        raise NotCompilable(f"more than {DEEPEST} dense steps stand one behind the other")
    return block.elements()


def network(steps: Sequence[DenseStep], columns: Sequence[Expr], compiler: Compiler) -> Network:
    """Make the classifier whose log-odds are the last of some dense steps.

    Parameters
    ----------
    steps : sequence of DenseStep
        One behind the other; the last gives one number.
    columns : sequence of Expr
        What the first takes. Where they are dense steps' numbers, those come before it, so that
        contributions are those of what goes into them.
    compiler : Compiler
        Takes the demands.

    Returns
    -------
    Network

    Raises
    ------
    NotCompilable
        If a column may be missing.
    """
    compiler.require(*columns)
    inputs, chain = list(columns), list(steps)
    while any(isinstance(column, Element) for column in inputs):
        inputs, before = _unfolded(inputs)
        chain[:0] = before
    if any(isinstance(column, Text) for column in inputs):
        raise NotCompilable("text stands where a number was expected")
    return Network(tuple(inputs), tuple(chain), len(compiler.schema))


def _unfolded(columns: Sequence[Expr]) -> tuple[list[Expr], list[DenseStep]]:
    """Give what the dense steps behind some columns take, and the steps that make the columns of it."""
    blocks: dict[int, DenseBlock] = {}
    places: dict[Expr, int] = {}
    for column in columns:
        if isinstance(column, Element):
            blocks[id(column.of.block)] = column.of.block
    inputs: dict[Expr, int] = {}
    for expr in [
        *(expr for block in blocks.values() for expr in block.inputs),
        *(column for column in columns if not isinstance(column, Element)),
    ]:
        inputs.setdefault(expr, len(inputs))
    steps: list[DenseStep] = []
    takes: list[list[int]] = []
    for block in blocks.values():
        if len(set(block.inputs)) < len(block.inputs):
            raise NotCompilable("a dense step is given one column twice")
        places |= {element: place for place, element in enumerate(block.elements(), len(places))}
        takes.append([inputs[expr] for expr in block.inputs])
        steps.append(block.step)
    passed = [column for column in columns if not isinstance(column, Element)]
    if passed:
        start = len(places)
        takes.append(list(dict.fromkeys(inputs[column] for column in passed)))
        steps.append(Affine(np.zeros(len(takes[-1])), np.eye(len(takes[-1])), np.zeros(len(takes[-1]))))
        places |= {column: start + takes[-1].index(inputs[column]) for column in passed}
    beside = Beside(tuple(steps), tuple(np.array(take, dtype=np.int32) for take in takes), len(inputs))
    chosen = [places[column] for column in columns]
    before: list[DenseStep] = list(steps) if _whole(beside) else [beside]
    if chosen != list(range(beside.size)):
        before.append(Products(np.array(chosen, dtype=np.int32)[:, None], beside.size))
    return list(inputs), before


def _whole(beside: Beside) -> bool:
    """Tell whether there is one step, and it takes all columns in their order."""
    return len(beside.steps) == 1 and beside.columns[0].tolist() == list(range(beside.n_columns))


def folded(coef: Floats, intercept: float, columns: Sequence[Expr]) -> tuple[Floats, float, list[Expr]]:
    """Fold products with matrices into the weights of a sum: a sum of sums is a sum.

    Parameters
    ----------
    coef : ndarray of float64, shape (n_columns,)
        The weights.
    intercept : float
        What is added.
    columns : sequence of Expr
        What is weighted.

    Returns
    -------
    coef, intercept, columns
        Of the same sum over what goes into the products.
    """
    weights: list[tuple[Expr, float]] = []
    found: dict[int, tuple[DenseBlock, Floats]] = {}
    for column, weight in zip(columns, np.asarray(coef, dtype=np.float64).tolist(), strict=True):
        if isinstance(column, Element) and isinstance(column.of.block.step, Affine):
            block = column.of.block
            found.setdefault(id(block), (block, np.zeros(block.step.size)))[1][column.place] += weight
        else:
            weights.append((column, weight))
    if not found:
        return np.array([weight for _, weight in weights]), intercept, [column for column, _ in weights]
    for block, own in found.values():
        step = block.step
        assert isinstance(step, Affine)
        inner = step.weights @ own
        intercept += float(step.offset @ own) - float(step.shift @ inner)
        weights += zip(block.inputs, inner.tolist(), strict=True)
    return folded(np.array([w for _, w in weights]), intercept, [column for column, _ in weights])
