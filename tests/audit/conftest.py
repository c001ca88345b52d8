"""A model, its decisions, and logs that are closed after the test."""

from __future__ import annotations

import os

import msgspec
import pytest

import morosidad.audit.chain.file as file_module
import morosidad.audit.writing.queue as queue_module
from morosidad.audit import AuditContext, AuditLog


class Reason(msgspec.Struct, frozen=True):
    field: str
    code: str
    text: str
    contribution: float


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    probability: float = 0.25
    probabilities: tuple[float, ...] = (0.75, 0.25)
    label: int = 0
    confidence: float = 0.75
    outcome: str = "revisar"
    reasons: tuple[Reason, ...] = (Reason("edad", "R01", "Edad", 0.5),)
    warnings: tuple[str, ...] = ()
    cached: str | None = None
    degraded: bool = False
    request_id: str | None = "r-1"


CONTEXT = AuditContext(
    model="riesgo",
    version="3",
    digest="ab12",
    schema="s1",
    policy="p7",
    cutoffs={"revisar": 0.2, "rechazar": 0.5},
    fields=("edad", "ingresos_mensuales", "zona"),
)


@pytest.fixture
def context():
    return CONTEXT


@pytest.fixture
def decide():
    return Decision


@pytest.fixture
def path(tmp_path):
    return tmp_path / "decisiones.jsonl"


@pytest.fixture
def alerts():
    """Every alert that was sent, as (code, whether it is open)."""
    return []


@pytest.fixture(params=["by the writer", "by the caller"])
def make_log(request, path, alerts, clock, monkeypatch):
    """Make logs whose writer wakes only when it is told to, unless the test says otherwise."""
    made = []
    monkeypatch.setattr(queue_module, "_ENCODE_CHUNK", 2)  # so that `append` encodes few decisions too

    def make(where=path, **options):
        options.setdefault("flush_interval", 3600)
        options.setdefault("buffer_size", 10_000)
        options.setdefault("usage", lambda: (40.0, 12.5))
        options.setdefault("on_alert", lambda alert: alerts.append((alert.code, alert.closed is None)))
        options.setdefault("now", clock)
        options.setdefault("encode_in_caller", request.param == "by the caller")
        log = AuditLog(where, **options)
        made.append(log)
        return log

    yield make
    for log in made:
        log.close()


@pytest.fixture
def fill(make_log):
    """Write `count` decisions to a log and close it."""

    def fill(count, **options):
        log = make_log(**options)
        record = log.bind(CONTEXT)
        for i in range(count):
            assert record(Decision(request_id=f"r-{i}"), (30 + i, 1500.5, "rural"), 2e-5)
        log.close()
        return log

    return fill


@pytest.fixture
def broken_disk(monkeypatch):
    """Opening fails with the error number that is set; 0 for none."""
    state = {"number": 0}
    real = file_module.open_private

    def open_private(path, flags=0):
        if state["number"]:
            raise OSError(state["number"], os.strerror(state["number"]), str(path))
        return real(path, flags)

    monkeypatch.setattr(file_module, "open_private", open_private)
    return state
