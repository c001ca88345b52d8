"""The log of a frame: the lines that the same rows make one by one."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import golden
from morosidad import Field, Preprocessor, Schema, Scorer
from morosidad.audit import AuditLog, read, replay, verify
from morosidad.training.datasets import make_applicants
from support import small_frame

VARIES = {"id": "", "time": None, "seconds": 0.0, "memory": None, "cpu": None}


def logged(path: Any, scorer: Scorer, ask: Any, **options: Any) -> list[Any]:
    with AuditLog(path, usage=lambda: (1.0, 2.0), **options) as audit:
        ask(scorer.with_parts(audit=audit))
    assert verify(path, key=options.get("key")).ok
    return [msgspec.structs.replace(line, **VARIES) for line in read(path)]


def records(scorer: Scorer, X: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a frame as records."""
    rows = X[[name for name in scorer.schema.names if name in X]].to_dict("records")
    return [{k: v for k, v in row.items() if v is not None and v == v} for row in rows]


def assert_same(lines: list[Any], others: list[Any]) -> None:
    assert len(lines) == len(others)
    for line, other in zip(lines, others, strict=True):
        assert msgspec.to_builtins(line) == msgspec.to_builtins(other)
        assert msgspec.json.encode(line) == msgspec.json.encode(other)


@pytest.mark.parametrize("options", [{}, {"values": "hash", "key": "x" * 16}, {"values": "none"}])
def test_a_frame_is_logged_as_its_rows_are_one_by_one(tmp_path: Any, options: dict[str, Any]) -> None:
    X = make_applicants(300).drop(columns="moroso_12m")
    scorer = Scorer.default()
    frame = logged(tmp_path / "frame.jsonl", scorer, lambda s: s.score_frame(X), **options)
    rows = logged(
        tmp_path / "rows.jsonl", scorer, lambda s: [s.score_one(r) for r in records(s, X)], **options
    )
    assert_same(frame, rows)


def test_a_frame_that_is_logged_is_replayed_without_a_difference(tmp_path: Any) -> None:
    scorer = Scorer.default()
    logged(tmp_path / "frame.jsonl", scorer, lambda s: s.score_frame(make_applicants(2500)))
    report = replay(tmp_path / "frame.jsonl", scorer.score_one)
    assert (report.ok, report.replayed) == (True, 2500)


def test_a_model_that_is_not_compiled_is_logged_too(slow: Scorer, tmp_path: Any) -> None:
    X, _ = small_frame()
    frame = logged(tmp_path / "frame.jsonl", slow, lambda s: s.score_frame(X))
    rows = logged(tmp_path / "rows.jsonl", slow, lambda s: s.score_many(records(s, X)))
    assert_same(frame, rows)


def test_rows_without_an_answer_are_not_logged_and_what_is_logged_is_what_was_answered(
    scorer: Scorer, tmp_path: Any
) -> None:
    X, _ = small_frame()
    X = X.head(40).astype({"moras": object})
    X.iloc[[3, 17], X.columns.get_loc("moras")] = "muchas"
    out: list[pd.DataFrame] = []
    ask = lambda s: out.append(s.score_frame(X, errors="coerce", reasons=True))  # noqa: E731
    lines = logged(tmp_path / "frame.jsonl", scorer, ask)
    good = out[0].dropna(subset=["probability"])
    assert len(lines) == len(good) == 38
    assert [line.probability for line in lines] == good["probability"].tolist()
    assert [line.label for line in lines] == good["label"].tolist()
    assert [line.outcome for line in lines] == good["outcome"].tolist()
    assert [[r.text for r in line.reasons] for line in lines] == good["reasons"].tolist()


def test_a_code_that_has_a_name_is_named(tmp_path: Any) -> None:
    fields = [Field("consultas", "number", missing={-7: "sin consulta", -8: ""}), Field("edad", "number")]
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"consultas": rng.choice([-7, -8, 0, 1, 2], 200), "edad": rng.integers(18, 80, 200)})
    y = (rng.random(200) < 0.1 + 0.7 * (X["consultas"] < 0)).astype(int)
    schema = Schema(fields)
    pipeline = make_pipeline(Preprocessor(schema, add_indicator=True), LogisticRegression()).fit(X, y)
    scorer = Scorer(pipeline, schema=schema, reference=X)
    frame = logged(tmp_path / "frame.jsonl", scorer, lambda s: s.score_frame(X))
    rows = logged(tmp_path / "rows.jsonl", scorer, lambda s: s.score_many(records(s, X)))
    assert_same(frame, rows)
    assert any("sin consulta" in reason.text for line in frame for reason in line.reasons)


SHOWN = [
    (path, True) for path in golden.files() if path.stem in ("splines", "tree", "ahorro-valle-sintetico")
]


@pytest.mark.parametrize(
    ("path", "shown"),
    [*((path, False) for path in golden.files()), *SHOWN],
    ids=lambda it: getattr(it, "stem", ""),
)
def test_frames_and_batches_are_decided_and_logged_to_the_letter_as_each_record_alone(
    path: Any, shown: bool, tmp_path: Any
) -> None:
    X = make_applicants(300, seed=5).drop(columns="moroso_12m")
    scorer = Scorer.load(path)
    scorer = Scorer.load(path, policy=msgspec.structs.replace(scorer.policy, show_values=shown))
    asked = records(scorer, X)
    decided: list[list[Any]] = []
    one = lambda s: decided.append([s.score_one(r, str(n)) for n, r in enumerate(asked)])  # noqa: E731
    many = lambda s: decided.append(s.score_many(asked, map(str, range(300))))  # noqa: E731
    frames: list[pd.DataFrame] = []
    frame = lambda s: frames.append(s.score_frame(X, reasons=True, ids=map(str, range(300))))  # noqa: E731
    lines = [logged(tmp_path / f"{n}.jsonl", scorer, ask) for n, ask in enumerate((one, many, frame))]
    assert_same(lines[1], lines[0])
    assert_same(lines[2], lines[0])
    assert decided[0] == decided[1]
    (out,) = frames
    assert out["probability"].tolist() == [d.probability for d in decided[0]]
    assert out["reasons"].tolist() == [[r.text for r in d.reasons] for d in decided[0]]
