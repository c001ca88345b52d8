"""Anchors on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.audit import VALUES
from morosidad.__main__ import main
from morosidad.audit import AuditContext, AuditLog
from morosidad.policy.decision import Decision

CONTEXT = AuditContext(
    model="m",
    version="1",
    digest="d",
    schema="s",
    policy="p",
    cutoffs={},
    fields=("edad", "ingresos", "zona"),
)


def write(path: Path, number: int = 3) -> list[str]:
    """Write decisions; give the digest behind each."""
    digests = []
    with AuditLog(path) as log:
        for place in range(number):
            decision = Decision(0, (0.9, 0.1), 0.9, "aprobar", request_id=f"r-{place}")
            log.append(CONTEXT, decision, VALUES, 1e-5)
            log.flush()
            digests.append(f"{log.stats().last} {log.stats().digest}")
    return digests


def test_anchors_are_looked_for_in_the_logs_of_all_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.jsonl"
    with AuditLog(path) as first:
        first.append(CONTEXT, Decision(0, (0.9, 0.1), 0.9, "aprobar"), VALUES, 1e-5)
        first.flush()
        digests = [*write(path), f"{first.stats().last} {first.stats().digest}"]
    (tmp_path / "anchors").write_text("# noted down\n" + "\n".join(digests) + "\n\n")
    assert main(["audit", "verify", str(path), "--anchor-file", str(tmp_path / "anchors")]) == 0
    assert main(["audit", "verify", str(path), "--anchor", digests[0].split()[1]]) == 0
    assert main(["audit", "verify", str(path), "--anchor", "0" * 64]) == 1
    assert "noted down is not there" in capsys.readouterr().out


@pytest.mark.parametrize("anchor", [["--anchor", "nada"], ["--anchor-file", "nada"]])
def test_anchors_that_are_none_are_an_error(tmp_path: Path, anchor: list[str]) -> None:
    write(tmp_path / "d.jsonl")
    assert main(["audit", "verify", str(tmp_path / "d.jsonl"), *anchor]) == 2
