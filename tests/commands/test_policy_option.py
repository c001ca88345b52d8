"""The option ``--policy`` of the commands that decide, or make what decides."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import joblib
import pandas as pd
import pytest

from morosidad import Policy, Rule, Scorer
from morosidad.__main__ import main
from morosidad.asgi import load_scorer
from morosidad.errors import SettingsError
from morosidad.settings import Settings
from support import small_frame, small_pipeline

POLICY = Policy(0.1, 0.3, version="7", rules=(Rule("moras > 2", "rechazar", "K", stage="before"),))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    POLICY.save(tmp_path / "politica.json")
    return tmp_path / "politica.json"


def test_a_trained_model_takes_the_policy_along(data: Path, policy: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "t.morosidad")
    given = ["train", str(data), "--target", "moroso", "--model", "logistic", "-o", out]
    assert main([*given, "--policy", str(policy)]) == 0
    assert Scorer.load(out).policy == POLICY


def test_so_does_a_compiled_one(policy: Path, tmp_path: Path) -> None:
    X, y = small_frame()
    joblib.dump(small_pipeline(X, y), tmp_path / "p.joblib")
    X.to_csv(tmp_path / "rows.csv", index=False)
    given = ["compile", str(tmp_path / "p.joblib"), "--trust", "--reference", str(tmp_path / "rows.csv")]
    assert main([*given, "-o", str(tmp_path / "c"), "--policy", str(policy)]) == 0
    assert Scorer.load(tmp_path / "c").policy == POLICY
    assert main([*given, "-o", str(tmp_path / "d"), "--review-at", "0.25"]) == 0
    assert Scorer.load(tmp_path / "d").policy == Policy(review_at=0.25)


def test_a_file_is_decided_under_it(model: Path, data: Path, policy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert main(["score", str(model), str(data), "-o", str(out), "--policy", str(policy)]) == 0
    decided, rows = pd.read_csv(out), pd.read_csv(data).drop(columns="moroso")
    judge = Scorer.load(model, policy=POLICY).score_frame(rows)
    assert decided["outcome"].tolist() == judge["outcome"].tolist()
    assert decided["probability"].isna().sum() == (rows["moras"] > 2).sum() > 0


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_rules_are_lists_as_reasons_are(
    model: Path, data: Path, policy: Path, tmp_path: Path, ending: str
) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "jsonl": partial(pd.read_json, lines=True)}
    out = tmp_path / f"out.{ending}"
    given = ["score", str(model), str(data), "-o", str(out), "--policy", str(policy), "--reasons"]
    assert main(given) == 0
    found = read[ending](out)
    late = found[found["probability"].isna()].iloc[0]
    assert list(late["rules"]) == ["K"]
    assert list(late["reasons"]) == ["K"]
    texts = pd.read_csv(data).assign(rules="ab", reasons="cd")
    texts.to_csv(tmp_path / "own.csv", index=False)
    own = ["score", str(model), str(tmp_path / "own.csv"), "-o", str(out), "--keep", "rules,reasons"]
    assert main(own) == 0
    assert read[ending](out)[["rules", "reasons"]].iloc[0].tolist() == ["ab", "cd"]


def test_a_log_is_replayed_under_it(
    model: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from morosidad import AuditLog

    log = tmp_path / "d.jsonl"
    with AuditLog(log) as audit:
        Scorer.load(model, policy=POLICY, audit=audit).score_frame(small_frame()[0].head(20))
    assert main(["audit", "replay", str(log), "--model", str(model), "--policy", str(policy)]) == 0
    assert main(["audit", "replay", str(log), "--model", str(model)]) == 1
    assert "decision" in capsys.readouterr().out


def test_a_server_decides_by_it(model: Path, policy: Path) -> None:
    served = load_scorer(Settings(server_model=str(model), server_policy=str(policy)))
    assert served.policy == POLICY
    served.reload()
    assert served.policy == POLICY
    plain = Path(policy).with_name("plain.json")
    Policy(0.01, 0.02).save(plain)
    assert load_scorer(Settings(server_policy=str(plain))).policy == Policy(0.01, 0.02)
    with pytest.raises(SettingsError, match=r"none\.json"):
        load_scorer(Settings(server_policy=str(plain.with_name("none.json"))))


def test_a_served_policy_is_a_setting(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(json.dumps({"review_at": 2}))
    assert main(["serve", "--port", "0", "--policy", str(policy)]) == 2
    assert "review_at and decline_at" in capsys.readouterr().err


def test_what_is_wrong_shows_before_the_work(
    data: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["train", str(data), "--target", "moroso", "-o", str(tmp_path / "x"), "--policy", str(policy)]
    assert main([*given, "--review-at", "0.2"]) == 2
    assert "--review-at and --decline-at can't be given" in capsys.readouterr().err
    Policy(rules=(Rule("mora > 1", "revisar", "A"),)).save(policy)
    assert main(given) == 2
    assert "did you mean 'moras'" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
