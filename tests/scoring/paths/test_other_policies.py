"""One model under several policies: `with_policy` and `score_frame(policy=)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from morosidad import AuditLog, Policy, Rule, Scorer, TieredCache
from morosidad.audit import read
from morosidad.errors import RuleError
from scoring_parts import RECORD

STRICT = Policy(
    review_at=0.01,
    decline_at=0.02,
    version="2",
    rules=(Rule("moras > 0", "rechazar", "M1", "Moras", stage="before"),),
)


def test_a_policy_changes_and_the_digest_of_the_model_stays(scorer: Scorer) -> None:
    other = scorer.with_policy(STRICT)
    assert (other.policy, other.digest, other.model) == (STRICT, scorer.digest, scorer.model)
    clean = {**RECORD, "moras": 0}
    before, after = scorer.score_one(clean), other.score_one(clean)
    assert (before.probability, before.policy) == (after.probability, scorer.policy.identity)
    assert (after.outcome, after.policy) == ("rechazar", STRICT.identity)
    declined = other.score_one(RECORD)
    assert (declined.rules, declined.probability) == (("M1",), None)
    assert other != scorer
    assert other == scorer.with_policy(STRICT)
    assert hash(other) != hash(scorer)


def test_reasons_follow_the_policy(scorer: Scorer) -> None:
    assert scorer.score_one(RECORD).reasons
    assert scorer.with_policy(Policy(max_reasons=0)).score_one(RECORD).reasons == ()
    shown = scorer.with_policy(Policy(show_values=True)).score_one(RECORD).reasons
    assert any(reason.value is not None for reason in shown)


def test_a_saved_model_keeps_its_digest_under_any_policy(scorer: Scorer, tmp_path: Path) -> None:
    scorer.save(tmp_path / "a")
    scorer.with_policy(STRICT).save(tmp_path / "b")
    one, other = Scorer.load(tmp_path / "a"), Scorer.load(tmp_path / "b")
    assert (one.digest, other.digest) == (scorer.digest, scorer.digest)
    assert (one.policy, other.policy) == (scorer.policy, STRICT)
    changed = one.with_policy(STRICT)
    changed.save(tmp_path / "c")
    assert Scorer.load(tmp_path / "c").policy == STRICT
    changed.reload()
    assert changed.policy == STRICT
    assert changed.digest == scorer.digest
    assert Scorer.load(tmp_path / "a", policy=STRICT).digest == scorer.digest
    back = other.with_policy(scorer.policy)
    back.save(tmp_path / "d")
    assert (tmp_path / "d").read_bytes() == (tmp_path / "a").read_bytes()
    other._path.rebuild()
    assert other.digest == scorer.digest


def test_a_frame_is_decided_under_another_policy(scorer: Scorer, trained: tuple[Any, pd.DataFrame]) -> None:
    X = trained[1].head(40)
    expected = scorer.with_policy(STRICT).score_frame(X)
    pd.testing.assert_frame_equal(scorer.score_frame(X, policy=STRICT), expected)
    assert "rules" not in scorer.score_frame(X)
    with pytest.raises(TypeError, match="a Policy was expected, not int"):
        scorer.score_frame(X, policy=3)  # type: ignore[call-overload]


def test_parts_go_along_and_a_log_names_the_policy(trained: tuple[Any, pd.DataFrame], tmp_path: Path) -> None:
    pipeline, X = trained
    with AuditLog(tmp_path / "d.jsonl") as log:
        cache = TieredCache[Any, Any]()
        scorer = Scorer(pipeline, reference=X, cache=cache, audit=log, language="en")
        strict = scorer.with_policy(STRICT)
        first, second = scorer.score_one(RECORD), strict.score_one(RECORD)
        assert (first.cached, second.cached) == (None, None)
        again = [one.score_one(RECORD) for one in (scorer, strict)]
        assert [one.cached for one in again] == ["acierto", "acierto"]
        assert [one.outcome for one in again] == [first.outcome, second.outcome]
        scorer.score_frame(X.head(1), policy=STRICT)
        assert (strict.language, strict.parts["cache"]) == ("en", cache)
    digests = [line.policy_digest for line in read(tmp_path / "d.jsonl")]
    assert digests == [one.policy.digest for one in (scorer, strict, scorer, strict, strict)]


def test_parts_that_are_made_are_made_again_elsewhere(trained: tuple[Any, pd.DataFrame]) -> None:
    pipeline, X = trained
    scorer = Scorer(pipeline, reference=X, parts=lambda: {"cache": TieredCache()})
    other = scorer.with_policy(STRICT)
    assert other.parts["cache"] is not None
    assert other._make_parts is scorer._make_parts


def test_a_rule_that_does_not_fit_is_refused(scorer: Scorer) -> None:
    with pytest.raises(RuleError, match="did you mean 'moras'"):
        scorer.with_policy(Policy(rules=(Rule("mora > 3", "revisar", "X1"),)))
    with pytest.raises(TypeError, match="a Policy was expected, not NoneType"):
        scorer.with_policy(None)  # type: ignore[arg-type]
