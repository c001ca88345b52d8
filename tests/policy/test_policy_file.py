"""Policies as files: what is read, what is refused, and the identity that they keep."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from morosidad import Policy, Rule
from morosidad.errors import MissingExtra, RuleError, SettingsError
from morosidad.policy.policy_file import LARGEST

POLICY = Policy(
    review_at=0.1,
    decline_at=0.4,
    version="2026-11",
    score_always=True,
    rules=(
        Rule(
            "edad < 21", "revisar", "P01", {"es": "Edad", "en": "Age"}, stage="before", on_missing="revisar"
        ),
        Rule("probability > 0.9", "rechazar", "P02", final=True),
    ),
)
YAML = """
version: "2026-11"
review_at: 0.1
decline_at: 0.4
score_always: true
rules:
  - when: edad < 21
    outcome: revisar
    code: P01
    text: {es: Edad, en: Age}
    stage: before
    on_missing: revisar
  - {when: probability > 0.9, outcome: rechazar, code: P02, final: true}
"""


def test_a_policy_comes_back_from_its_file(tmp_path: Path) -> None:
    POLICY.save(tmp_path / "politica.json")
    assert Policy.load(tmp_path / "politica.json") == POLICY
    (tmp_path / "politica.yaml").write_text(YAML)
    found = Policy.load(tmp_path / "politica.yaml")
    assert found == POLICY
    assert found.identity == POLICY.identity
    Policy().save(tmp_path / "plain.json")
    assert Policy.load(tmp_path / "plain.json") == Policy()


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.json", "{", SettingsError, "a.json"),
        ("a.json", "[]", SettingsError, "the parameters of a policy"),
        ("a.json", '{"review": 1}', SettingsError, "no such parameters: review"),
        ("a.json", '{"review_at": 2}', SettingsError, "review_at"),
        ("a.json", '{"version": 3}', SettingsError, "str"),
        ("a.json", '{"rules": [{"when": "a.b", "outcome": "x", "code": "1"}, 3]}', RuleError, "rule 1"),
        (
            "a.json",
            '{"rules": [{"when": "a", "outcome": "revisar", "code": "1", "x": 1}]}',
            RuleError,
            "unknown",
        ),
        ("a.json", "[" * 5000, SettingsError, "a.json"),
        ("a.json", " " * (LARGEST + 1), SettingsError, "bytes"),
        ("a.yaml", "a: &x [1]\nb: *x", SettingsError, "aliases"),
        ("a.yml", "a: [", SettingsError, "a.yml"),
        ("a.yml", "!!python/object:os.system x", SettingsError, "a.yml"),
        ("a.yml", "1: 2", SettingsError, "no such parameters: 1"),
    ],
)
def test_what_is_no_policy_is_refused(
    name: str, content: str, error: type[Exception], words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(error, match=words):
        Policy.load(tmp_path / name)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.json: No such file"):
        Policy.load(tmp_path / "nothing.json")


def test_without_pyyaml_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("{}")
    honest = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "yaml":
            raise ImportError
        return honest(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match="yaml"):
        Policy.load(tmp_path / "a.yaml")
