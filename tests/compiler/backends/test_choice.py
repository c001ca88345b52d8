"""Which backend runs: numba where it is installed; an error of our own kernels is raised."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from compiler.tree_models import STUMP, hand_made

from morosidad.compiler import CompiledPipeline
from morosidad.compiler.backends.choice import numba_installed
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import Sigmoid
from morosidad.compiler.forms.mixtures import Mean
from morosidad.compiler.nodes.expressions import Arith, Raw
from morosidad.compiler.nodes.lookups import Cells, Edges, Grid, IntervalPosition
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

SCHEMA = Schema([Field("x0", "number"), Field("x1", "number")])
EDGES = Edges(np.array([1.0, 2.0]))
PAIR = Grid(IntervalPosition(Raw(0), EDGES), IntervalPosition(Raw(1), EDGES), Cells(np.zeros((4, 4))))
LINEAR = Additive(0.0, (Arith(Raw(0), "*", 1.0),), 2)
PAIRS = Additive(0.0, (PAIR,), 2)


@pytest.mark.parametrize(
    ("make", "module"), [(lambda: hand_made([STUMP]), "walker"), (lambda: PAIRS, "tables")]
)
@pytest.mark.parametrize("error", [ImportError("broken"), ModuleNotFoundError("broken", name="morosidad.x")])
def test_a_broken_kernel_of_ours_is_an_error(make, module, error, monkeypatch):
    pytest.importorskip("numba")
    name = f"morosidad.compiler.backends.numba.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr(f"morosidad.compiler.backends.numba.{module}", raising=False)

    class Broken:
        def find_spec(self, asked, path=None, target=None):
            if asked == name:
                raise error

    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ImportError, match="broken"):
        CompiledPipeline(SCHEMA, make())


def test_an_error_of_an_import_inside_numba_is_raised(monkeypatch):
    class Broken:
        def find_spec(self, asked, path=None, target=None):
            if asked == "numba":
                raise ModuleNotFoundError("no llvmlite", name="llvmlite")

    monkeypatch.delitem(sys.modules, "numba", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="no llvmlite"):
        numba_installed()


def test_without_numba_python_answers(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for form in (hand_made([STUMP]), PAIRS, LINEAR):
        compiled = CompiledPipeline(SCHEMA, form)
        assert compiled.backend == "Python"
        assert 0.0 < compiled.predict_one((1.0, 2.0)) < 1.0


def test_a_compiled_pipeline_says_which_backend_runs():
    pytest.importorskip("numba")
    trees = hand_made([STUMP])
    mixed = Mean((LINEAR, trees), (1.0, 1.0))
    for form, backend in [
        (trees, "numba"),
        (PAIRS, "numba"),
        (LINEAR, "Python"),
        (Sigmoid(trees, True, 1.0, 0.0), "numba"),
        (mixed, "Python and numba"),
    ]:
        assert CompiledPipeline(SCHEMA, form).backend == backend
