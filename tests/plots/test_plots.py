"""Pictures: that they show what the figures are, measured against scikit-learn."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

from morosidad import DriftMonitor, KPITracker, Policy, Scorer, plots
from morosidad.errors import InvalidRecord, MissingExtra, UnsupportedModel
from morosidad.plots import quality
from support import small_frame

pytest.importorskip("plotly")

RECORD = {"ingresos": 1234.5, "empleo": "libre", "moras": 6}


@pytest.fixture(scope="module")
def known(trained: tuple[Any, pd.DataFrame]) -> tuple[Scorer, pd.DataFrame, Any]:
    frame, y = small_frame(400, seed=7)
    return Scorer(trained[0], reference=trained[1], policy=Policy(0.3, 0.6)), frame, y


def test_a_waterfall_leads_from_the_usual_to_the_applicant(known: tuple[Scorer, Any, Any]) -> None:
    scorer = known[0]
    (trace,) = plots.waterfall(scorer, RECORD).data
    start, *steps, end = trace.x
    probability = scorer.score_one(RECORD).probability
    assert start + sum(steps) == pytest.approx(end)
    assert 1 / (1 + np.exp(-end)) == pytest.approx(probability)
    assert (trace.y[0], trace.y[-1]) == ("lo usual", "este solicitante")
    assert set(trace.y[1:-1]) == {"Ingresos = 1\u202f234,50", "Empleo = libre", "Moras = 6"}
    assert list(np.abs(steps)) == sorted(np.abs(steps), reverse=True)
    reasons = {reason.field: reason.contribution for reason in scorer.score_one(RECORD).reasons}
    assert reasons["moras"] == pytest.approx(dict(zip(trace.y, trace.x, strict=True))["Moras = 6"])


def test_fields_of_little_weight_are_drawn_as_one(known: tuple[Scorer, Any, Any]) -> None:
    (whole,) = plots.waterfall(known[0], RECORD).data
    (trace,) = plots.waterfall(known[0], {**RECORD, "ingresos": None}, top=1).data
    assert trace.y[2] == "otros 2 campos"
    assert len(trace.y) == len(whole.y) - 1
    assert trace.x[0] + trace.x[1] + trace.x[2] == pytest.approx(trace.x[3])


def test_booleans_and_gaps_are_put_into_words() -> None:
    frame = pd.DataFrame({"titular": [True, False] * 50, "saldo": [1.0, np.nan, 3.0, 4.0] * 25})
    scorer = Scorer.train(frame, [0, 1, 1, 1] * 25, model="splines", progress=False)
    (trace,) = plots.waterfall(scorer, {"titular": False}).data
    assert set(trace.y[1:-1]) == {"Titular = no", "Saldo = sin dato"}


def test_a_forest_is_drawn_on_its_own_scale(trained: tuple[Any, pd.DataFrame]) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    X, y = small_frame()
    forest = make_pipeline(trained[0][0], RandomForestClassifier(8, max_depth=3, random_state=0)).fit(X, y)
    scorer = Scorer(forest, reference=X)
    figure = plots.waterfall(scorer, RECORD)
    assert figure.data[0].x[-1] == pytest.approx(scorer.score_one(RECORD).probability)
    assert figure.layout.xaxis.title.text == "probabilidad de mora"


def test_an_isotonic_calibration_is_drawn_on_the_scale_before_it(trained: tuple[Any, pd.DataFrame]) -> None:
    from sklearn.calibration import CalibratedClassifierCV

    X, y = small_frame()
    model = CalibratedClassifierCV(trained[0], method="isotonic", ensemble=False).fit(X, y)
    (trace,) = plots.waterfall(Scorer(model, reference=X), RECORD).data
    assert trace.x[0] == pytest.approx(0, abs=1e-12)


def test_what_can_not_be_explained_is_refused(known: tuple[Scorer, Any, Any], tmp_path: Any) -> None:
    from morosidad.model_file import artifact

    with pytest.raises(InvalidRecord):
        plots.waterfall(known[0], {"ingresos": "mucho"})
    known[0].save(tmp_path / "m")
    content = artifact.load(tmp_path / "m")
    manifest = {name: part for name, part in content.manifest.items() if name != "reference"}
    artifact.save(tmp_path / "m", artifact.Content(manifest, content.arrays))
    with pytest.raises(UnsupportedModel, match="modelo@1 gives no contributions"):
        plots.waterfall(Scorer.load(tmp_path / "m"), RECORD)


def test_scores_are_counted_and_the_bands_say_how_many_fall_in_each(known: tuple[Scorer, Any, Any]) -> None:
    scorer, frame, y = known
    probability = scorer.predict_proba(frame)[:, 1]
    figure = plots.scores(scorer, frame, y, bins=20)
    paid, late = figure.data
    assert (paid.name, late.name) == ("al día", "en mora")
    np.testing.assert_allclose(late.y, np.histogram(probability[y == 1], 20, (0, 1))[0] / len(y))
    assert sum(paid.y) + sum(late.y) == pytest.approx(1)
    texts = [note.text for note in figure.layout.annotations]
    assert texts[0] == f"<b>aprobar</b><br>{(probability < 0.3).mean():.0%}"
    assert texts[2] == f"<b>rechazar</b><br>{(probability >= 0.6).mean():.0%}"
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(0, 0.3), (0.3, 0.6), (0.6, 1)]
    (alone,) = plots.scores(scorer, frame).data
    assert sum(alone.y) == pytest.approx(1)


def test_a_policy_without_review_has_two_bands(trained: tuple[Any, pd.DataFrame]) -> None:
    scorer = Scorer(trained[0], reference=trained[1], policy=Policy(0.5, 0.5))
    assert len(plots.scores(scorer, trained[1]).layout.shapes) == 2


def test_the_roc_curve_is_that_of_scikit_learn(known: tuple[Scorer, Any, Any]) -> None:
    scorer, frame, y = known
    probability = scorer.predict_proba(frame)[:, 1]
    figure = plots.roc(scorer, frame, y)
    _, curve, review, decline = figure.data
    refused, caught, _ = roc_curve(y, probability, drop_intermediate=False)
    np.testing.assert_allclose(curve.x, refused, atol=1e-12)
    np.testing.assert_allclose(curve.y, caught, atol=1e-12)
    ks = (caught - refused).max()
    expected = f"Curva ROC: área {roc_auc_score(y, probability):.3f}, KS {ks:.3f}".replace(".", ",")
    assert figure.layout.title.text == expected
    assert review.y[0] == pytest.approx((probability[y == 1] >= 0.3).mean())
    assert decline.x[0] == pytest.approx((probability[y == 0] >= 0.6).mean())
    with pytest.raises(ValueError, match="one class"):
        plots.roc(scorer, frame, np.zeros(len(frame)))


def test_calibration_compares_what_was_said_with_what_came(known: tuple[Scorer, Any, Any]) -> None:
    scorer, frame, y = known
    probability = scorer.predict_proba(frame)[:, 1]
    figure = plots.calibration(scorer, frame, y, bins=4)
    points = figure.data[1]
    assert np.mean(points.x) == pytest.approx(probability.mean())
    assert np.mean(points.y) == pytest.approx(y.mean())
    assert (np.array(points.error_y.array) > 0).all()
    expected = f"Calibración: Brier {brier_score_loss(y, probability):.4f}".replace(".", ",")
    assert figure.layout.title.text == expected


def test_wilsons_interval_is_the_published_one() -> None:
    low, high = quality.wilson(np.array([0.0, 0.5]), np.array([10, 10]))
    np.testing.assert_allclose([*low, *high], [0.0, 0.2366, 0.2775, 0.7634], atol=1e-4)


def test_drift_shows_the_score_first_and_then_what_moved_most(known: tuple[Scorer, Any, Any]) -> None:
    scorer, frame, _ = known
    assert scorer.drift_reference is not None
    monitor = DriftMonitor(scorer.drift_reference, every=1)
    for record in frame.assign(moras=frame["moras"] + 4).to_dict("records"):
        monitor.observe(scorer.schema.read(record)[0], scorer.score_one(record).probability)
    report = monitor.report()
    bars, noise = plots.drift(report, top=2).data
    assert list(bars.y) == ["probabilidad", "moras", max(
        ("ingresos", "empleo"), key=lambda name: {f.field: f.psi for f in report.fields}[name]
    )]  # fmt: skip
    assert bars.x[0] == report.score.psi
    assert noise.x[0] == report.score.noise
    assert bars.hovertext[1] == "fuerte"


@pytest.mark.parametrize(
    "draw",
    [
        lambda scorer, frame, y: plots.waterfall(scorer, RECORD),
        lambda scorer, frame, y: plots.scores(scorer, frame),
        plots.roc,
        plots.calibration,
        lambda scorer, frame, y: plots.drift(DriftMonitor(scorer.drift_reference).report()),
    ],
)
def test_every_picture_is_json_and_without_plotly_names_the_extra(
    draw: Callable[..., Any], known: tuple[Scorer, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(draw(*known).to_json())["data"]
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingExtra, match=r"morosidad\[plots\]"):
        draw(*known)


@pytest.mark.parametrize(("language", "signs"), [("es", ",\u202f"), ("pt", ",\u202f"), ("en", ".,")])
def test_axes_write_numbers_as_their_language_does(
    known: tuple[Scorer, Any, Any], language: Any, signs: str
) -> None:
    scorer, X, y = known
    drifted = DriftMonitor(scorer.drift_reference)
    drawn = [
        plots.waterfall(scorer, X.iloc[0].to_dict(), language=language),
        plots.scores(scorer, X, language=language),
        plots.roc(scorer, X, y, language=language),
        plots.calibration(scorer, X, y, language=language),
        plots.shapes(scorer, X, y, language=language),
        plots.drift(drifted.report(), language=language),
        plots.kpis(KPITracker(), language=language),
    ]
    assert [figure.layout.separators for figure in drawn] == [signs] * len(drawn)
