from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from morosidad import alerts
from morosidad.alerts import (
    LOG_ALERTS,
    LOG_PREFIX,
    REFUSALS,
    SERVICE_ALERTS,
    Alert,
    AlertBook,
    AlertType,
    Limit,
)
from morosidad.languages import Language
from support import ROOT


@pytest.fixture
def book(clock) -> AlertBook:
    return AlertBook(keep=3, wall=clock)


def test_an_alert_opens_once_persists_with_the_latest_message_and_closes(book, clock):
    book.set("memoria", True, "critical", "90 %")
    opened = book.active
    assert opened == (Alert("critical", "90 %", 1000.0, "memoria"),)
    clock.advance(5)
    book.set("memoria", True, "critical", "92 %")
    assert book.active == (Alert("critical", "92 %", 1000.0, "memoria"),)
    clock.advance(5)
    book.set("memoria", False, "critical", "80 %")
    assert book.active == ()
    assert book.history == (Alert("critical", "92 %", 1000.0, "memoria", 1010.0),)
    book.set("memoria", False, "critical", "70 %")
    assert len(book.history) == 1


def test_what_goes_wrong_again_is_another_alert(book, clock):
    for wrong in (True, False, True):
        book.set("cache", wrong, "info", "baja")
        clock.advance(1)
    assert [alert.timestamp for alert in book.history] == [1000.0, 1002.0]
    assert [alert.timestamp for alert in book.active] == [1002.0]


def test_an_alert_can_get_graver(book):
    book.set("deriva", True, "warning", "0.12")
    book.set("deriva", True, "critical", "0.30")
    assert [alert.level for alert in book.active] == ["critical"]


def test_the_oldest_closed_alert_goes_first(book):
    for code, persists in (("a", True), ("b", False), ("c", False), ("d", False)):
        book.set(code, True, "info", code)
        book.set(code, persists, "info", code)
    assert [alert.code for alert in book.history] == ["a", "c", "d"]


def test_no_open_alert_is_forgotten(book):
    for code in "abcde":
        book.set(code, True, "info", code)
    assert [alert.code for alert in book.active] == list("abcde")
    for code in "abcde":
        book.set(code, False, "info", code)
    book.set("f", True, "info", "f")
    assert [alert.code for alert in book.history] == ["d", "e", "f"]


def test_the_json_of_an_alert_has_the_keys_of_the_document():
    document = msgspec.to_builtins(Alert("info", "baja", 5.0, "cache"))
    assert list(document)[:3] == ["tipo", "mensaje", "timestamp"]
    assert document == {
        "tipo": "info",
        "mensaje": "baja",
        "timestamp": 5.0,
        "codigo": "cache",
        "cerrada": None,
    }


def test_a_catalogued_alert_takes_its_figures(book):
    book.report(REFUSALS, False, number=0)
    assert book.history == ()
    book.report(REFUSALS, True, number=3)
    [alert] = book.active
    assert (alert.code, alert.level, alert.message) == (
        "rechazos",
        "warning",
        "Solicitudes que no se pudieron atender: 3",
    )


def test_the_catalogue_holds_every_alert_and_each_is_opened_somewhere():
    catalogued = {name for name, found in vars(alerts).items() if isinstance(found, AlertType)}
    assert {getattr(alerts, name) for name in catalogued} == {*SERVICE_ALERTS, *LOG_ALERTS}
    own = Path(alerts.__file__)
    code = "".join(path.read_text("utf-8") for path in own.parent.rglob("*.py") if path != own)
    assert {name for name in catalogued if not re.search(rf"\b{name}\b", code)} == set()


@pytest.mark.parametrize(
    ("page", "heading", "language"), [("how-to/serve.md", "Alerts", "en"), ("es/servir.md", "Alertas", "es")]
)
def test_the_documentation_names_every_alert_with_its_levels_and_advice(
    page: str, heading: str, language: Language
) -> None:
    expected: dict[str, tuple[list[str], str]] = {}
    for prefix, catalogue in (("", SERVICE_ALERTS), (LOG_PREFIX, LOG_ALERTS)):
        for alert in catalogue:
            levels, _ = expected.setdefault(prefix + alert.code, ([], alert.advice(language)))
            if alert.level not in levels:
                levels.append(alert.level)
    text = (ROOT / "docs" / page).read_text("utf-8")
    table = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    documented = {code.strip("`"): (levels.split(", "), advice) for code, levels, _, advice in rows}
    assert documented == expected
    assert len(rows) == len(expected)


def test_a_limit_is_passed_beyond_its_threshold_and_not_at_it():
    limit = Limit(3.0)
    assert not limit.check(3.0)
    assert limit.check(3.0001)


@pytest.mark.parametrize(
    ("above", "figures", "passed"),
    [
        (True, [2.9, 3.1, 2.9, 2.71, 2.7, 2.9, 3.1], [False, True, True, True, False, False, True]),
        (False, [1.0, 0.9, 1.05, 1.1, 1.05, 0.9], [False, True, True, False, False, True]),
    ],
)
def test_a_figure_that_wavers_about_the_threshold_does_not_switch_to_and_fro(above, figures, passed):
    limit = Limit(3.0 if above else 1.0, 0.1, above=above)
    assert [limit.check(figure) for figure in figures] == passed


def test_a_limit_is_not_passed_while_there_is_no_figure():
    limit = Limit(3.0)
    assert limit.check(5.0)
    assert not limit.check(None)
    assert not limit.passed
    assert not limit.check(2.9)
