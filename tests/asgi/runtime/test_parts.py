"""The parts of a served scorer as the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from morosidad import KPITracker, Scorer, Settings
from morosidad.asgi.runtime.parts import complete_parts, share_figures
from morosidad.audit import AuditLog, read, verify
from morosidad.errors import SettingsError

RECORD = {"edad": 40, "ingresos_mensuales": 2e6, "monto_credito": 5e6, "plazo_meses": 24}


def test_the_decision_log_is_kept_compressed_and_erased_as_the_settings_say(tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    path = tmp_path / "d.jsonl"
    settings = Settings(
        audit_file=str(path),
        audit_erasure=True,
        audit_compress="gz",
        audit_keep_files=1,
        audit_keep_days=30,
        audit_on_full="error",
        log_rotation_size=3000,
        cache_enabled=False,
    )
    scorer = complete_parts(Scorer.default(), settings, "es")
    log = scorer.parts["audit"]
    assert isinstance(log, AuditLog)
    for number in range(12):
        scorer.score_one(RECORD, f"r-{number}")
    assert log.forget("r-11") == 1
    log.close()
    report = verify(path)
    assert (report.ok, report.forgotten) == (True, 1)
    assert report.removed > 0
    assert len(list(tmp_path.glob("d.*.jsonl.gz"))) == 1
    assert [line.values for line in read(path)][-1] is None


def test_servers_share_their_figures_where_the_settings_say_so() -> None:
    pytest.importorskip("redis")
    assert share_figures(KPITracker(), Settings(), "m") is None
    shared = "redis://127.0.0.1:1/0"

    def name(**options: str) -> str:
        found = share_figures(KPITracker(), Settings(kpi_sharing=shared, server_port=5001, **options), "m")
        assert found is not None
        assert ":5001 " in found.server
        return found.server

    assert name() != name()  # two servers, which may have the same port
    assert name(kpi_file="/x/kpi") == name(kpi_file="/x/kpi") != name(kpi_file="/y/kpi")  # processes of one
    with pytest.raises(SettingsError, match="kpi_sharing: expected the address") as caught:
        share_figures(KPITracker(), Settings(kpi_sharing="http://user:geheim@host"), "m")
    assert "geheim" not in str(caught.value)
