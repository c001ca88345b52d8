"""Frames in which a value is missing as None, as NaN or as pandas' NA: the judge's answer, or words."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC

from morosidad.__main__ import main
from morosidad.audit import AuditLog
from morosidad.errors import InvalidFrame, InvalidRecord
from morosidad.scoring.scorer import Scorer

ROWS = 24
GAPS = {"none": None, "nan": float("nan"), "na": pd.NA}


def frame_with(seed: int, ways: list[str]) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cells = pd.Series(rng.choice(["fijo", "libre", "otro"], ROWS), dtype=object)
    for at, place in enumerate(range(0, ROWS, 4)):
        if ways:
            cells.iloc[place] = GAPS[ways[at % len(ways)]]
    return pd.DataFrame(
        {"n": rng.normal(size=ROWS), "t": cells, "u": pd.Series(["x", "y"] * (ROWS // 2), dtype=object)}
    )


def fitted(frame: pd.DataFrame, kind: str, model: str) -> Any:
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    imputer = SimpleImputer(strategy="most_frequent")
    encoder = one_hot if kind == "one-hot" else make_pipeline(imputer, one_hot)
    last = {
        "logistic": LogisticRegression(),
        "neighbours": KNeighborsClassifier(3),
        "svc": SVC(probability=True),
    }
    y = ((frame["n"] + frame["t"].isna() + (frame["t"] == "fijo")) > 0.4).astype(int)
    parts = make_column_transformer((encoder, ["t", "u"]), remainder="passthrough")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_pipeline(parts, last[model]).fit(frame, y)


def asked_alone(pipeline: Any, frame: pd.DataFrame) -> list[tuple[float, int] | None]:
    found: list[tuple[float, int] | None] = []
    for place in range(len(frame)):
        row = frame.iloc[[place]]
        try:
            found.append((float(pipeline.predict_proba(row)[0, 1]), int(pipeline.predict(row)[0])))
        except Exception:
            found.append(None)
    return found


def quietly(make: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


@settings(max_examples=5)
@given(
    st.integers(0, 999),
    st.lists(st.sampled_from(["none", "nan"]), max_size=3),
    st.lists(st.sampled_from(["none", "nan", "na"]), min_size=1, max_size=3),
    st.sampled_from(["one-hot", "imputed"]),
    st.sampled_from(["logistic", "neighbours"]),
)
def test_a_frame_gets_the_judges_answer_however_its_values_are_missing(
    seed: int, known: list[str], asked: list[str], kind: str, model: str
) -> None:
    reference, frame = frame_with(seed, known), frame_with(seed + 1, asked)
    pipeline = fitted(reference, kind, model)
    scorer = quietly(lambda: Scorer(pipeline, reference=reference))
    expected = quietly(lambda: asked_alone(pipeline, frame))
    table = quietly(lambda: scorer.score_frame(frame, errors="coerce"))
    for place, (due, p, label) in enumerate(zip(expected, table["probability"], table["label"], strict=True)):
        if pd.isna(p):  # refused: by the pipeline too, or by the schema
            words = scorer.frame_errors(frame.iloc[[place]])[0]
            assert due is None or isinstance(words, InvalidRecord)
        elif due is None:  # a pipeline that refuses what was never missing may be asked as ever
            assert not pd.api.types.is_scalar(frame["t"].iloc[place]) or frame["t"].iloc[place] is not pd.NA
        else:
            assert p == pytest.approx(due[0], abs=1e-12)
            assert label == due[1]
    known_rows = table["probability"].notna().to_numpy()
    some = frame[known_rows]
    again = scorer.predict_proba(some)[:, 1]
    np.testing.assert_allclose(again, table["probability"][known_rows], rtol=0, atol=1e-12)
    assert scorer.predict(some).tolist() == table["label"][known_rows].tolist()


def both_ways(tmp_path: Path) -> tuple[Any, Scorer, pd.DataFrame]:
    frame = frame_with(3, ["none", "nan", "nan"])
    pipeline = fitted(frame, "one-hot", "logistic")
    return pipeline, Scorer(pipeline, reference=frame), frame


def test_a_loaded_form_refuses_what_it_cannot_tell_apart(tmp_path: Path) -> None:
    pipeline, scorer, frame = both_ways(tmp_path)
    scorer.save(tmp_path / "model.morosidad")
    loaded = Scorer.load(tmp_path / "model.morosidad", language="en")
    expected = asked_alone(pipeline, frame)
    live, table = scorer.score_frame(frame), loaded.score_frame(frame, errors="coerce")
    odd = np.array([value is None for value in frame["t"]])
    assert table["probability"].isna().tolist() == odd.tolist()
    np.testing.assert_allclose(live["probability"], [due[0] for due in expected if due], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(table["probability"][~odd], live["probability"][~odd])
    words = "missing as None, which the model tells from NaN: write NaN where the value is missing"
    assert [str(error) for error in loaded.frame_errors(frame[odd])] == [f"t: {words}"] * odd.sum()
    with pytest.raises(InvalidFrame, match="missing as None"):
        loaded.predict_proba(frame)


def test_labels_of_the_original_hold_for_such_rows_too() -> None:
    frame = frame_with(5, ["none", "nan", "nan"])
    pipeline = quietly(lambda: fitted(frame, "one-hot", "svc"))
    scorer = quietly(lambda: Scorer(pipeline, reference=frame))
    assert scorer.predict(frame).tolist() == pipeline.predict(frame).tolist()


def test_a_decision_log_and_reasons_hold_no_row_that_no_record_expresses(tmp_path: Path) -> None:
    _, scorer, frame = both_ways(tmp_path)
    odd = np.array([value is None for value in frame["t"]])
    assert scorer.score_frame(frame, reasons=True, errors="coerce")["reasons"].isna().tolist() == odd.tolist()
    with AuditLog(tmp_path / "log.jsonl") as log:
        table = scorer.with_parts(audit=log).score_frame(frame, errors="coerce")
    assert table["probability"].isna().tolist() == odd.tolist()
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) >= int((~odd).sum())


def test_other_libraries_and_files_have_one_way_to_be_missing(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    _, scorer, frame = both_ways(tmp_path)
    plain = frame.assign(t=frame["t"].where(frame["t"].notna(), float("nan")))
    usual = scorer.score_frame(plain)["probability"].tolist()
    nulls = frame.assign(t=frame["t"].where(frame["t"].notna(), None))
    assert scorer.score_frame(polars.from_pandas(nulls))["probability"].to_list() == usual
    model, rows, out = (tmp_path / name for name in ("m.morosidad", "rows.jsonl", "out.csv"))
    scorer.save(model)
    nulls.to_json(rows, orient="records", lines=True, double_precision=15)
    assert main(["score", str(model), str(rows), "-o", str(out)]) == 0
    found = pd.read_csv(io.StringIO(out.read_text()))["probability"]
    np.testing.assert_allclose(found, usual, rtol=0, atol=1e-9)


def test_what_the_model_does_not_tell_apart_is_one_to_it() -> None:
    frame = frame_with(8, ["none", "nan"])
    numbers = frame[["n"]].assign(m=pd.Series([1.5, None, float("nan")] * (ROWS // 3), dtype=object))
    y = (frame["n"] > 0).astype(int)
    pipeline = make_pipeline(SimpleImputer(), LogisticRegression()).fit(numbers, y)
    scorer = Scorer(pipeline, reference=numbers)
    assert scorer.score_frame(numbers)["probability"].notna().all()
    assert not any("None" in note for note in scorer.plan.notes)
