"""Dense steps from files: what does not hang together is refused, and what is shared is held once."""

from __future__ import annotations

import numpy as np
import pytest

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.dense.network import Network
from morosidad.compiler.nodes.base import DEEPEST, Expr
from morosidad.compiler.nodes.dense.algebra import Activation, Affine, Beside, Products, UnitNorm
from morosidad.compiler.nodes.dense.classes import LogRatio
from morosidad.compiler.nodes.dense.coding import Harmonics, Sketch, SparseCode, Threshold
from morosidad.compiler.nodes.dense.imputing import Imputed, LinearChain
from morosidad.compiler.nodes.dense.kernels import Kernel
from morosidad.compiler.nodes.dense.leaves import Leaves
from morosidad.compiler.nodes.dense.neighbours import WithinRadius
from morosidad.compiler.nodes.dense.step import DenseBlock, DenseStep, DenseVector, Element
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.storage.packing import nested_too_deeply, pack, unpack
from morosidad.compiler.storage.soundness import check

NUMBER = Raw(0)
ZEROS = np.zeros(2)
TURN = Affine(ZEROS, np.zeros((2, 3)), np.zeros(3))
SAME = Affine(np.zeros(1), np.ones((1, 1)), np.zeros(1))
FIRST, SECOND = np.array([0], dtype=np.int32), np.array([[0, 3]], dtype=np.int32)


def element(step: DenseStep, place: int = 0, *, inputs: tuple[Expr, ...] = (NUMBER, NUMBER)) -> Element:
    return Element(DenseVector(DenseBlock(inputs, step)), place)


def nested(levels: int, width: int = 1) -> Expr:
    """Give an element of so many steps, each of which is given the one before several times."""
    column: Expr = NUMBER
    for _ in range(levels):
        step = Affine(np.zeros(width), np.ones((width, 1)), np.zeros(1))
        column = element(step, inputs=(column,) * width)
    return column


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (element(TURN, 3), "Element"),
        (element(TURN, -1), "Element"),
        (element(TURN, inputs=(NUMBER,)), "DenseBlock"),
        (element(Affine(ZEROS, np.zeros((3, 3)), np.zeros(3))), "Affine"),
        (element(Affine(ZEROS, np.zeros((2, 3)), ZEROS)), "Affine"),
        (element(Activation(2, "exp", 1.0)), "Activation"),  # type: ignore[arg-type]
        (element(Activation(0, "tanh", 1.0), inputs=()), "Activation"),
        (element(UnitNorm(2, "l3")), "UnitNorm"),  # type: ignore[arg-type]
        (element(Products(SECOND, 2)), "Products"),
        (element(Products(SECOND[:, :0], 2)), "Products"),
        (element(Products(SECOND - 1, 2)), "Products"),
        (element(Kernel("rbf", np.zeros((1, 2, 1)), 1.0, 0.0, 1.0)), "Kernel"),
        (element(WithinRadius("all", np.zeros((1, 2)), 1.0)), "WithinRadius"),  # type: ignore[arg-type]
        (element(WithinRadius("one", np.zeros((1, 2, 1)), 1.0)), "WithinRadius"),
        (element(LogRatio(-1.0)), "LogRatio"),
        (element(LinearChain(ZEROS, FIRST + 2, np.zeros((1, 2)), ZEROS[:1], ZEROS, ZEROS)), "LinearChain"),
        (element(LinearChain(ZEROS, FIRST, np.zeros((1, 3)), ZEROS[:1], ZEROS, ZEROS)), "LinearChain"),
        (Imputed(NUMBER, DenseVector(DenseBlock((NUMBER, NUMBER), TURN)), 3), "Imputed"),
        (element(SparseCode(np.zeros((3, 2)), 4)), "SparseCode"),
        (element(Threshold(0, 1.0), inputs=()), "Threshold"),
        (element(Sketch(SECOND, np.zeros((1, 2)), 3)), "Sketch"),
        (element(Sketch(SECOND, np.zeros((2, 2)), 4)), "Sketch"),
        (element(Harmonics(0, 0.5), inputs=(NUMBER,)), "Harmonics"),
        (element(Leaves(FIRST, FIRST + 1, FIRST, FIRST, np.zeros(1), 1, 2)), "Leaves"),
        (element(Leaves(FIRST, FIRST, FIRST, FIRST + 2, np.zeros(1), 1, 2)), "Leaves"),
        (element(Leaves(FIRST, FIRST, FIRST, FIRST, np.zeros(1), 10**9, 2)), "Leaves"),
        (element(Leaves(FIRST, FIRST, FIRST, FIRST, ZEROS, 1, 2)), "Leaves"),
        (element(Beside((TURN,), (FIRST,), 2)), "Beside"),
        (element(Beside((Activation(1, "tanh", 1.0),), (FIRST + 2,), 2)), "Beside"),
        (element(Beside((Activation(2, "tanh", 1.0),), (np.array([1, 1], dtype=np.int32),), 2)), "Beside"),
        (element(Beside((Activation(1, "tanh", 1.0),), (), 2)), "Beside"),
        (element(Beside((Beside((), (), 1),), (FIRST,), 2)), "Beside"),
    ],
)
def test_a_step_that_does_not_fit_is_refused_by_name(column: Expr, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        check(Additive(0.0, (column,), 1), 1)


@pytest.mark.parametrize("steps", [(), (TURN,), (TURN, TURN), (SAME,)], ids=len)
def test_a_network_whose_steps_do_not_fit_is_refused(steps: tuple[DenseStep, ...]) -> None:
    with pytest.raises(ValueError, match="Network"):
        check(Network((NUMBER, NUMBER), steps, 1), 1)


def test_what_fits_is_read_back() -> None:
    form = Network((nested(2), NUMBER), (TURN, Affine(np.zeros(3), np.ones((3, 1)), np.zeros(1))), 1)
    check(form, 1)
    read = unpack(*pack(form))
    check(read, 1)
    assert isinstance(read, Network)
    assert [type(step) for step in read.steps] == [Affine, Affine]


def test_steps_nested_too_deeply_are_refused() -> None:
    form = Additive(0.0, (nested(DEEPEST),), 1)
    check(unpack(*pack(form)), 1)
    with pytest.raises(ValueError, match="nested too deeply"):
        unpack(*pack(Additive(0.0, (nested(DEEPEST + 1),), 1)))


def test_steps_that_share_their_inputs_are_looked_at_once() -> None:
    form = Additive(0.0, (nested(DEEPEST, width=8),), 1)  # 8 ** 20 ways lead to the field
    assert not nested_too_deeply(form)
    data, arrays = pack(form)
    assert len(arrays) == 3 * DEEPEST
    check(unpack(data, arrays), 1)
