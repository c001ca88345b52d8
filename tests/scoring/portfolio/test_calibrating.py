"""`Scorer.calibrated`: where the default rate is taken from, and what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from morosidad import DriftMonitor, Scorer
from morosidad.errors import ArtifactCorrupted, InvalidFrame, NotCompiledWarning, SettingsError
from morosidad.model_file import artifact
from scoring_parts import RECORD, neighbours
from support import small_frame

X, Y = small_frame()


def mean(scorer: Scorer, frame: pd.DataFrame = X) -> float:
    return float(scorer.predict_proba(frame)[:, 1].mean())


def test_the_mean_over_the_reference_is_the_rate(scorer: Scorer) -> None:
    moved = scorer.calibrated(to=0.08)
    assert mean(moved) == pytest.approx(0.08, abs=1e-4)
    found = moved.calibration
    assert found is not None
    assert (found.to, found.base) == (0.08, "reference")
    assert found.of == pytest.approx(mean(scorer), abs=1e-9)
    before, after = (one.predict_proba(X)[:, 1] for one in (scorer, moved))
    assert np.allclose(after, expit(logit(before) + found.shift), rtol=0, atol=1e-14)
    assert scorer.calibration is None


def test_the_mean_over_rows_is_the_rate_by_weight(scorer: Scorer) -> None:
    rows, weights = X.head(60), np.arange(60.0)
    moved = scorer.calibrated(to=0.3, X=rows)
    assert mean(moved, rows) == pytest.approx(0.3, abs=1e-12)
    weighted = scorer.calibrated(to=0.3, X=rows, sample_weight=weights)
    found = np.average(weighted.predict_proba(rows)[:, 1], weights=weights)
    assert found == pytest.approx(0.3, abs=1e-12)
    assert weighted.calibration is not None
    assert weighted.calibration.base == "rows"


def test_the_rate_may_be_that_of_labels(scorer: Scorer) -> None:
    moved = scorer.calibrated(X=X.head(100), y=Y[:100])
    assert mean(moved, X.head(100)) == pytest.approx(Y[:100].mean(), abs=1e-12)


def test_the_prior_correction_takes_a_model_of_undersampled_rows_back() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": rng.normal(size=60_000)})
    late = rng.random(60_000) < expit(1.2 * frame["a"] - 3.5)
    kept = late | (rng.random(60_000) < 0.1)
    rate, sampled = late.mean(), late[kept].mean()
    model = LogisticRegression(C=1e6).fit(frame[kept], late[kept])
    scorer = Scorer(model, reference=frame[kept].head(200)).calibrated(to=rate, of=sampled)
    whole = LogisticRegression(C=1e6).fit(frame, late)
    gap = scorer.predict_proba(frame.head(500)) - whole.predict_proba(frame.head(500))
    assert np.abs(gap).max() < 0.02  # the two are fitted on other rows
    assert np.abs(model.predict_proba(frame.head(500)) - whole.predict_proba(frame.head(500))).max() > 0.2


def test_the_identity_the_plan_and_the_label_follow(scorer: Scorer) -> None:
    moved = scorer.calibrated(to=0.08, of=0.4)
    assert (moved.model, scorer.model) == ("chico@7+0.08", "chico@7")
    assert moved.digest != scorer.digest
    assert moved.calibrated(to=0.1, of=0.08).model == "chico@7+0.1"
    assert scorer.calibrated(to=0.1, of=0.08, version="8").model == "chico@8"
    assert "8.0000%, from 40.0000% as it was said; log-odds -2.0369" in str(moved.plan)
    assert "8,0000" in moved.plan.told("es")
    decision = moved.score_one(RECORD)
    assert decision.probability is not None
    assert decision.label == int(decision.probability > 0.5)
    assert scorer.score_one(RECORD).label == 1
    back = moved.calibrated(to=0.4, of=0.08)
    assert back.calibration is not None
    assert back.calibration.shift == pytest.approx(0.0, abs=1e-12)
    assert np.allclose(back.predict_proba(X), scorer.predict_proba(X), rtol=0, atol=1e-14)


def test_reasons_stay_on_the_log_odds(scorer: Scorer) -> None:
    moved = scorer.calibrated(to=0.05)
    one, other = (each.score_one(RECORD).reasons for each in (scorer, moved))
    assert [reason.field for reason in one] == [reason.field for reason in other]
    assert [reason.contribution for reason in one] == [reason.contribution for reason in other]


def test_a_file_keeps_it(scorer: Scorer, tmp_path: Path) -> None:
    moved = scorer.calibrated(to=0.08)
    moved.save(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m")
    assert (loaded, loaded.calibration) == (moved, moved.calibration)
    assert loaded.score_one(RECORD) == moved.score_one(RECORD)
    again = loaded.calibrated(to=0.2)
    assert mean(again) == pytest.approx(0.2, abs=1e-4)
    loaded._path.rebuild()
    assert (loaded, loaded.calibration) == (moved, moved.calibration)


def test_a_model_that_is_not_compiled_is_moved_too(slow: Scorer, tmp_path: Path) -> None:
    moved = slow.calibrated(to=0.1)
    assert mean(moved) == pytest.approx(0.1, abs=1e-4)
    row = X.iloc[0].to_dict()
    assert moved.score_one(row).probability == pytest.approx(moved.predict_proba(X.head(1))[0, 1])
    many = moved.score_many([row, X.iloc[1].to_dict()])
    assert [one.probability for one in many] == moved.predict_proba(X.head(2))[:, 1].tolist()  # type: ignore[union-attr]
    moved.save(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m")
    assert (loaded, loaded.calibration) == (moved, moved.calibration)
    assert np.array_equal(loaded.predict_proba(X), moved.predict_proba(X))
    content = artifact.load(tmp_path / "m")
    forged = {**content.manifest, "calibration": {**content.manifest["calibration"], "shift": 0.0}}
    artifact.save(tmp_path / "n", artifact.Content(forged, content.arrays, content.members))
    with pytest.raises(ArtifactCorrupted, match="does not answer as it did"):
        Scorer.load(tmp_path / "n")


def test_sampled_reasons_add_up_to_the_moved_probability() -> None:
    with pytest.warns(NotCompiledWarning):
        scorer = Scorer(neighbours(X, Y), reference=X, reasons="sampled").calibrated(to=0.1)
    background = scorer.reference
    assert background is not None
    found = scorer.contributions(RECORD)
    rest = found.probability - sum(found.contributions.values())
    assert rest == pytest.approx(mean(scorer, background.astype(X.dtypes.to_dict())), abs=1e-9)


def test_a_drift_monitor_knows_the_new_scores(trained: tuple[Any, pd.DataFrame]) -> None:
    plain = Scorer(trained[0], reference=trained[1])
    assert plain.drift_reference is not None
    scorer = plain.with_parts(drift=DriftMonitor(plain.drift_reference))
    moved = scorer.calibrated(to=0.05)
    reference = moved.drift_reference
    assert reference is not None
    assert reference.score.counts == plain.drift_reference.score.counts
    assert max(reference.score.cuts) < max(plain.drift_reference.score.cuts)
    moved.score_frame(trained[1])
    assert moved.parts["drift"].report().score.state == "estable"  # type: ignore[union-attr]
    assert scorer.parts["drift"].report().records == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "to: a default rate, or labels y that have one"),
        ({"to": 0.1, "X": X, "y": Y}, "to: a default rate, or labels y that have one"),
        ({"to": 0.0}, "to: a default rate between 0 and 1"),
        ({"to": True}, "to: a number from 0 to 1"),
        ({"to": "8 %"}, "to: a number from 0 to 1"),
        ({"to": float("nan")}, "to: a number from 0 to 1"),
        ({"to": 0.1, "of": 1}, "of: a default rate between 0 and 1"),
        ({"to": 0.1, "of": 0.2, "X": X}, "of: either the rate"),
        ({"y": Y}, "X: the rows that y"),
        ({"to": 0.1, "sample_weight": [1.0]}, "X: the rows that y"),
        ({"to": 1e-300, "of": 0.5}, "log-odds move by at most 60"),
        ({"to": 1e-300}, "log-odds move by at most 60"),
        ({"X": X, "y": np.zeros(len(X))}, "y: both labels were expected"),
        ({"to": 0.1, "X": X.head(0)}, "X: rows were expected"),
    ],
)
def test_what_contradicts_itself_is_refused(scorer: Scorer, given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        scorer.calibrated(**given)


def test_labels_that_are_missing_or_unknown_are_refused(scorer: Scorer) -> None:
    with pytest.raises(InvalidFrame, match="2 of 300 labels are missing"):
        scorer.calibrated(X=X, y=[None, float("nan"), *Y[2:].tolist()])
    with pytest.raises(InvalidFrame, match=r"not 'x' \(1 rows\)"):
        scorer.calibrated(X=X, y=["x", *Y[1:].tolist()])


def test_probabilities_of_0_and_1_do_not_move() -> None:
    from sklearn.tree import DecisionTreeClassifier

    frame = pd.DataFrame({"a": np.arange(20.0)})
    scorer = Scorer(DecisionTreeClassifier().fit(frame, np.arange(20) >= 15), reference=frame)
    with pytest.raises(SettingsError, match=r"a rate between 0\.25 and 0\.25"):
        scorer.calibrated(to=0.1)


def test_a_file_without_scores_of_a_reference_asks_for_rows(scorer: Scorer, tmp_path: Path) -> None:
    scorer.save(tmp_path / "m")
    content = artifact.load(tmp_path / "m")
    manifest = {name: value for name, value in content.manifest.items() if name != "scores"}
    artifact.save(tmp_path / "old", artifact.Content(manifest, content.arrays, content.members))
    old = Scorer.load(tmp_path / "old")
    with pytest.raises(SettingsError, match="holds no scores of a reference"):
        old.calibrated(to=0.1)
    assert mean(old.calibrated(to=0.1, X=X)) == pytest.approx(0.1, abs=1e-12)
    assert old.calibrated(to=0.1, of=0.3)._model.reference_scores is None


def test_a_calibration_is_plain_data(scorer: Scorer) -> None:
    moved = scorer.calibrated(to=0.1, of=0.3)
    data = msgspec.to_builtins(moved.calibration)
    assert sorted(data) == ["base", "of", "shift", "to"]
