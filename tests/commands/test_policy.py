"""The check of a policy: against the fields of a model, and on rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from morosidad import Policy, Rule
from morosidad.__main__ import main

RULES = (
    Rule("moras > 1", "revisar", "A"),
    Rule("moras > 2 or ingresos < 0", "rechazar", "B", stage="before"),
    Rule("ingresos > 1000", "revisar", "C", final=True),
    Rule("ingresos < 0", "aprobar", "D"),
)


def checked(policy: Policy, folder: Path, model: Path, *options: str) -> int:
    policy.save(folder / "p.json")
    return main(["policy", "check", str(folder / "p.json"), "--model", str(model), *options])


def test_a_sound_policy_is_named(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = Policy(rules=RULES, version="9")
    assert checked(policy, tmp_path, model) == 0
    assert capsys.readouterr().out == f"policy 9, {policy.digest}: 4 rules, all sound\n"
    assert checked(Policy(), tmp_path, model) == 0


def test_rows_show_what_rules_do(
    tmp_path: Path, model: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(Policy(rules=RULES), tmp_path, model, "--reference", str(data)) == 1
    out = capsys.readouterr().out
    late = [int(line.split(",")[2]) for line in data.read_text().splitlines()[1:]]
    poor = sum(not line.split(",")[0] for line in data.read_text().splitlines()[1:])
    many, more = (sum(number > limit for number in late) for limit in (1, 2))
    assert f"A        holds for {many} of 300 rows; a missing value leaves 0 open" in out
    assert f"D        holds for 0 of 300 rows; a missing value leaves {poor} open" in out
    assert "D        never holds" in out
    assert f"A + B    contradict each other for {more} rows" in out
    assert "A + C    hold together for" in out
    one = Policy(rules=RULES[:1])
    assert checked(one, tmp_path, model, "--reference", str(data)) == 0


def test_wrong_rules_are_all_told(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Policy(rules=(Rule("mora > 1", "revisar", "A"), Rule("ingresos == 'x'", "revisar", "B")))
    assert checked(wrong, tmp_path, model) == 2
    err = capsys.readouterr().err
    assert "did you mean 'moras'?\nmora > 1\n^^^^" in err
    assert "B: a number is compared with a text" in err
    (tmp_path / "p.json").write_text("{")
    assert main(["policy", "check", str(tmp_path / "p.json"), "--model", str(model)]) == 2
