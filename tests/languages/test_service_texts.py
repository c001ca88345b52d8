"""Alerts, recommendations and reports of a service, in each language."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from morosidad import AuditLog, DriftMonitor, KPITracker, Scorer
from morosidad.alerts import DRIFT, LOG_ALERTS, SERVICE_ALERTS, Alert, AlertBook
from morosidad.audit import replay, verify
from morosidad.languages import LANGUAGES, Language, say, words
from support import small_frame, small_pipeline

FIGURES = {
    "seconds": 1.5,
    "percent": 90.0,
    "rate": 0.1,
    "number": 3,
    "fields": "x",
    "records": 9,
    "reason": "?",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alert_opens_in_the_language_of_its_book(language: Language) -> None:
    for alert in (*SERVICE_ALERTS, *LOG_ALERTS):
        template = words(language, "alerts")[alert.name]
        keys = [key for _, key, _, _ in Formatter().parse(template) if key]
        figures = {key: FIGURES[key] for key in keys}
        reported, opened = AlertBook(language=language), AlertBook(language=language)
        reported.report(alert, True, **figures)
        code, level, message = alert.fill(**figures)
        opened.set(code, True, level, message)
        (one,), (other,) = reported.active, opened.active
        assert one.message == other.message == say(language, f"alerts.{alert.name}", **figures)
        assert type(one.message) is type(other.message) is str
        assert alert.advice(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_log_that_cant_write_says_so_in_its_language(language: Language, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    said: list[Alert] = []
    audit = AuditLog(folder / "d.jsonl", language=language, on_alert=said.append)
    scorer = Scorer.default(audit=audit)
    folder.rmdir()
    scorer.score_one({"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36})
    audit.flush()
    folder.mkdir()
    audit.close()
    template = words(language, "alerts")["log_folder_gone"]
    expected = template.format(reason=words(language, "alerts")["no_folder"])
    assert said[0].message == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_recommendations_and_tables_are_in_the_language(language: Language, clock) -> None:
    tracker = KPITracker(clock=clock, wall=clock, language=language)
    for _ in range(10):
        tracker.record(9.0, outcome="timeout")
    report = tracker.report()
    assert report.state == "REGULAR" or report.recommendations
    assert report.recommendations[0] == words(language, "service")["none_succeeded"]
    html = report._repr_html_()
    assert words(language, "figures")["response_time"] in html
    other = tracker.report("en")
    assert other.recommendations[0] == words("en", "service")["none_succeeded"]
    assert (other.state, other.metrics) == (report.state, report.metrics)


@pytest.mark.parametrize("language", LANGUAGES)
def test_drift_is_told_in_the_language(language: Language) -> None:
    X, y = small_frame()
    scorer = Scorer(small_pipeline(X, y), reference=X)
    assert scorer.drift_reference is not None
    monitor = DriftMonitor(scorer.drift_reference, every=1)
    record = tuple(scorer.schema.validate(X.iloc[0].to_dict()).values())
    for _ in range(500):
        monitor.observe(record, 0.9)
    book = AlertBook(language=language)
    monitor.watch(book)
    (alert,) = book.active
    assert alert.code == DRIFT.code
    assert re.search(words(language, "figures")["noise"], alert.message)
    html = monitor.report(language)._repr_html_()
    assert words(language, "figures")["fuerte"] in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_logs_are_verified_and_replayed_in_the_language(language: Language, tmp_path: Path) -> None:
    X, y = small_frame()
    path = tmp_path / "d.jsonl"
    with AuditLog(path) as audit:
        scorer = Scorer(small_pipeline(X, y), reference=X, audit=audit)
        for record in X.head(4).to_dict("records"):
            scorer.score_one(record)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1].replace(b'"tipo"', b'"tip0"'), *lines[3:]]))
    report = verify(path, language=language)
    assert report.told(language).startswith(words(language, "reports")["altered"])
    assert words(language, "reports")["wrong_digest"] in report.told(language)
    assert str(report) == report.told("es")
    told = replay([path], scorer.score_one).told(language)
    assert told.startswith(
        words(language, "reports")["replayed"].partition("}")[2].partition(",")[0].strip(), 2
    )
