"""Forms from files: what does not hang together is refused before machine code follows it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline

from morosidad import Scorer
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.walked import Forest
from morosidad.compiler.nodes.expressions import Arith, Clip, Constant, Fill, Raw
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import (
    Bins,
    CategoryPosition,
    Cells,
    Edges,
    Grid,
    IntervalPosition,
    Lookup,
    Piecewise,
    Table,
)
from morosidad.compiler.readers.splines import curve
from morosidad.compiler.storage.soundness import check
from morosidad.errors import ArtifactCorrupted
from morosidad.model_file import artifact
from support import small_frame, small_pipeline

NUMBER, TEXT = Raw(0), Raw(1)
EDGES = Edges(np.array([0.0, 2.0]))
TABLE = Table(("a", "b"), np.zeros((4, 2)))
LINES = curve(np.array([0.0]), np.array([0.0, 1.0]), np.arange(8.0).reshape(2, 2, 2) / 3.0)
SOUND = Forest(
    (NUMBER, CategoryPosition(TEXT, ("a", "b"))),
    child=np.array([2, 0, 4, 0, 0, 0], np.int32),
    column=np.array([0, 0, 1, 0, 0, 0], np.int32),
    number=np.array([0.5, 0.2, 0.0, 0.1, 0.3, 0.9]),
    missing_left=np.zeros(6, np.bool_),
    subset=np.array([-1, -1, 1, -1, -1, -1], np.int32),
    members=np.array([True, False, True, False, True]),
    n_trees=2,
    n_fields=2,
)


def other(**changes: object) -> Forest:
    """Give the sound forest with some of its arrays changed at one place, or as a whole."""
    made = {}
    for name, change in changes.items():
        if isinstance(change, tuple) and name != "columns":
            array = getattr(SOUND, name).copy()
            array[change[0]] = change[1]
            made[name] = array
        else:
            made[name] = change
    return msgspec.structs.replace(SOUND, **made)


def terms(*parts: object) -> Additive:
    return Additive(0.0, parts, 2)  # type: ignore[arg-type]


def test_what_was_compiled_is_sound() -> None:
    check(SOUND, 2)
    grid = Grid(IntervalPosition(NUMBER, EDGES), CategoryPosition(TEXT, ("a",)), Cells(np.zeros((4, 3))))
    check(terms(Lookup(TEXT, TABLE, 1), grid, Fill(Piecewise(NUMBER, LINES, 1), 2)), 2)
    check(terms(Function(NUMBER, "yeo_johnson", (0.3,)), Lookup(NUMBER, Bins(EDGES, np.zeros((4, 1))))), 2)


@pytest.mark.parametrize(
    "forest",
    [
        other(child=(2, 2)),  # a node that is its own child: the walk would not end
        other(child=(2, 1)),  # back to where it came from
        other(child=(0, 5)),  # the right child lies behind the last node
        other(child=(0, -4)),
        other(child=(0, 2**31 - 1)),
        other(
            child=np.array([2, 2, 4, 0, 0, 0], np.int32)
        ),  # a child of two: ways would double at each level
        other(child=np.array([2, 3, 0, 0, 0, 0], np.int32)),
        other(child=np.array([2, 0, 0, 0, 0, 0], np.int32)),  # nodes that nothing leads to
        other(child=np.array([1, 0, 0, 4, 0, 0], np.int32)),  # a root that is a child
        other(column=(0, 2)),
        other(column=(5, -1)),  # of a leaf too: the walk looks there all the same
        other(subset=(0, 0)),  # a set for a number
        other(subset=(2, 2)),  # the set ends behind the last member
        other(subset=(2, 2**31 - 1)),
        other(n_trees=7),
        other(n_trees=0),
        other(n_fields=3),
        other(columns=(Constant(0.0), CategoryPosition(TEXT, ("a", "b")))),  # no field of the split
        other(number=np.zeros(5)),
        other(members=np.zeros((5, 1), np.bool_)),
        other(child=SOUND.child.astype(np.int64)),
        other(members=SOUND.members.astype(np.uint8)),
        other(n_trees=2.0),
        other(narrow=1),
        other(columns=[NUMBER]),
    ],
)
def test_trees_that_lead_astray_are_refused(forest: Forest) -> None:
    with pytest.raises(ValueError, match="Forest"):
        check(forest, 2)


@pytest.mark.parametrize(
    ("term", "name"),
    [
        (Raw(2), "Raw"),
        (Raw(-1), "Raw"),
        (Raw(True), "Raw"),
        (Lookup(TEXT, TABLE, 2), "Lookup"),
        (Lookup(TEXT, TABLE, -1), "Lookup"),
        (Lookup(TEXT, Table(("a",), np.zeros((4, 1)))), "Table"),
        (Lookup(TEXT, Table((["a"],), np.zeros((3, 1)))), "Table"),  # type: ignore[arg-type]
        (Lookup(NUMBER, Bins(EDGES, np.zeros((3, 1)))), "Bins"),
        (Lookup(NUMBER, Bins(Edges(np.zeros((2, 2))), np.zeros((4, 1)))), "Edges"),
        (Lookup(TEXT, EDGES), "Lookup"),  # type: ignore[arg-type]
        (Piecewise(NUMBER, LINES, 2), "Piecewise"),
        (Piecewise(NUMBER, msgspec.structs.replace(LINES, anchors=np.zeros(1))), "Curve"),
        (Grid(IntervalPosition(NUMBER, EDGES), CategoryPosition(TEXT, ()), Cells(np.zeros((4, 3)))), "Grid"),
        (Grid(IntervalPosition(NUMBER, EDGES), NUMBER, Cells(np.zeros((4, 3)))), "Grid"),  # type: ignore[arg-type]
        (Grid(IntervalPosition(NUMBER, EDGES), CategoryPosition(TEXT, ()), Cells(np.zeros(8))), "Cells"),
        (Arith(NUMBER, "**", 2.0), "Arith"),  # type: ignore[arg-type]
        (Clip(NUMBER, "0", 1.0), "Clip"),  # type: ignore[arg-type]
        (Clip("x", 0.0, 1.0), "Clip"),  # type: ignore[arg-type]
    ],
)
def test_a_part_that_does_not_fit_is_refused_by_name(term: object, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        check(terms(term), 2)


@pytest.mark.parametrize(
    "model",
    [RandomForestClassifier(4, random_state=0), HistGradientBoostingClassifier(max_iter=4)],
    ids=lambda model: type(model).__name__,
)
def test_a_file_whose_trees_go_in_circles_is_corrupted(model: object, tmp_path: Path) -> None:
    X, y = small_frame()
    Scorer(make_pipeline(small_pipeline(X, y)[0], model).fit(X, y), reference=X).save(tmp_path / "m")
    content = artifact.load(tmp_path / "m")
    Scorer.load(tmp_path / "m")
    arrays = [array.copy() for array in content.arrays]
    child = next(
        a for a in arrays if a.dtype == np.int32 and a.size and a.min() == 0 and a.max() == a.size - 2
    )
    child[child > 0] = np.flatnonzero(child > 0)
    artifact.save(tmp_path / "m", artifact.Content(content.manifest, arrays))
    with pytest.raises(ArtifactCorrupted, match="refers to what is not there"):
        Scorer.load(tmp_path / "m")
