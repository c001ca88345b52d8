"""What would change the decision, and the rules that made it, on the form in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chromium import ThreadedServer
from chromium_pages import CONTRAST, DESKTOP, PHONE, WIDE, served, text_of, wait_for_text
from morosidad import Field, Policy, Rule, Schema, Scorer
from morosidad.languages import LANGUAGES, Language, words
from morosidad.policy import Reason

pytest.importorskip("starlette")

DECLINED = {
    "edad": 29,
    "ingresos_mensuales": 900_000,
    "monto_credito": 14_000_000,
    "plazo_meses": 36,
    "credito_score": 400,
}
FOUND = ".opciones > li"
POLICY = Policy(
    review_at=0.2,
    decline_at=0.5,
    codes={"credito_score": "07", "ingresos_mensuales": "R-12", "monto_credito": "R-12"},
    rules=(
        Rule("edad > 80", "rechazar", "K1", {"es": "Edad", "en": "Age", "pt": "Idade"}, stage="before"),
        Rule("plazo_meses > 100", "revisar", "P1", "Plazo largo"),
        Rule("monto_credito > 14 * ingresos_mensuales", "rechazar", "P2", "Monto muy alto " * 8),
    ),
)


@pytest.fixture(scope="module")
def ruled() -> Iterator[ThreadedServer]:
    with served(Scorer.default(policy=POLICY)) as server:
        yield server


def decide(page: Any, language: Language = "es", **record: Any) -> None:
    for name, value in record.items():
        page.fill(f"[name={name}]", str(value))
    page.get_by_role("button", name=words(language, "pages")["evaluate"]).click()
    page.locator(".viejo").wait_for(state="detached")
    page.locator(".decision").wait_for()


def test_changes_are_looked_for_among_the_data_that_may_change(
    server: ThreadedServer, open_page: Any
) -> None:
    page = open_page(server.url)
    decide(page, **DECLINED)
    page.get_by_text("Datos que pueden cambiar: 20 de 20").click()
    for label in ("Edad", "Puntaje de crédito"):
        page.locator(".cambios").get_by_label(label, exact=True).uncheck()
    wait_for_text(page, ".cambios summary", "18 de 20")
    with page.expect_request("**/que-cambiaria") as asked:
        page.get_by_role("button", name="Buscar cambios").click()
    page.locator(FOUND).first.wait_for()
    sent = json.loads(asked.value.post_data)
    assert sent["datos"] == DECLINED
    assert not {"edad", "credito_score"} & set(sent["modificables"])
    scorer = server.service.scorer
    expected = scorer.counterfactuals(DECLINED, mutable=sent["modificables"])
    assert page.locator(FOUND).count() == len(expected) > 1
    fields = {field.name: field for field in scorer.schema.fields}
    for place, one in enumerate(expected):
        shown = text_of(page, f"{FOUND} >> nth={place}")
        assert f"{one.decision.probability:.1%}".replace(".", ",") in shown.replace(" %", "%")
        for change in one.changes:
            assert fields[change.field].label in shown
            if isinstance(change.after, int | float):
                assert f"a {change.after:_.0f}".replace("_", "\u202f") in page.inner_text(
                    f"{FOUND} >> nth={place}"
                )
    decide(page, plazo_meses=35)  # what can't change stays so
    wait_for_text(page, ".cambios summary", "18 de 20")
    assert page.locator(FOUND).count() == 0
    decide(page, ingresos_mensuales=9_000_000, credito_score=900)
    assert page.locator(".cambios").count() == 0


def test_the_keyboard_alone_leads_to_the_changes(server: ThreadedServer, open_page: Any) -> None:
    page = open_page(server.url)
    decide(page, **DECLINED)
    keyboard = page.keyboard
    keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    keyboard.press("Enter")
    keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "edad"
    keyboard.press("Space")
    wait_for_text(page, ".cambios summary", "19 de 20")
    for _ in range(20):
        keyboard.press("Tab")
    keyboard.press("Enter")
    page.locator(FOUND).first.wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Buscar cambios"
    assert page.locator(".hallazgo[role=status]").count() == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_in_one_language_can_be_read_and_is_whole(open_page: Any, language: Language) -> None:
    told = words(language, "pages")
    with served(Scorer.default(policy=POLICY), language=language) as server:
        for view, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
            page = open_page(server.url, viewport=view, color_scheme=scheme)
            decide(page, language, **DECLINED)
            page.locator(".cambios summary").click()
            page.get_by_role("button", name=told["changes_look"]).click()
            page.locator(FOUND).first.wait_for()
            shown = text_of(page, ".cambios")
            for name in ("changes_title", "changes_intro", "probability"):
                assert told[name] in shown
            assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
        decide(page, language, edad=84)
        assert text_of(page, ".decision").endswith(told["by_rules"])


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            {"status": 429, "headers": {"Retry-After": "7"}},
            "Demasiado. Inténtelo de nuevo en 7 s. Código E429.",
        ),
        ({"status": 504}, "Demasiado. Código E504."),
        (None, "Sin conexión"),
    ],
)
def test_a_question_without_an_answer_says_why(
    server: ThreadedServer, open_page: Any, complaints: list[str], answer: Any, shown: str
) -> None:
    page = open_page(server.url)

    def respond(route: Any) -> None:
        if answer is None:
            route.abort()
        else:
            route.fulfill(**answer, json={"error": "Demasiado", "codigo": f"E{answer['status']}"})

    page.route("**/que-cambiaria", respond)
    decide(page, **DECLINED)
    look = page.get_by_role("button", name="Buscar cambios")
    look.click()
    wait_for_text(page, ".hallazgo .queja", re.escape(shown))
    assert look.get_attribute("aria-disabled") is None
    assert complaints.pop().startswith("Failed to load resource")


def test_nothing_found_and_nothing_chosen_are_said(open_page: Any, trained: tuple[Any, Any]) -> None:
    schema = Schema(
        [
            Field("ingresos", "number", ge=0),
            Field("empleo", "category", protected=True, label="Empleo"),
            Field("moras", "integer", ge=0),
        ]
    )
    never = Policy(rules=(Rule("ingresos >= 0", "revisar", "P1"),))
    scorer = Scorer(trained[0], schema=schema, reference=trained[1], policy=never)
    with served(scorer) as server:
        page = open_page(server.url)
        decide(page, ingresos=800, moras=1, empleo="fijo")
        page.get_by_role("button", name="Buscar cambios").click()
        wait_for_text(page, ".hallazgo .vacio", "No se encontró ningún cambio de hasta 2 datos")
        page.get_by_text("Datos que pueden cambiar: 2 de 2").click()
        assert page.locator(".cambios").get_by_label("Empleo").count() == 0
        for box in page.locator(".cambios input").all():
            box.uncheck()
        page.get_by_role("button", name="Buscar cambios").click()
        wait_for_text(page, ".hallazgo .queja", "Elija al menos un dato")


def told(reason: Reason) -> str:
    code = "" if reason.code == reason.field else f" {reason.code}"
    share = "" if reason.kind == "regla" else f" +{reason.contribution:.2f}".replace(".", ",")
    return f"{' '.join(reason.text.split())}{code}{share}"


def test_rules_and_codes_are_shown_with_the_result_and_are_not_called_a_high_risk(
    ruled: ThreadedServer, open_page: Any
) -> None:
    page = open_page(ruled.url)
    good = {"edad": 41, "ingresos_mensuales": 2_400_000, "monto_credito": 6_000_000, "plazo_meses": 108}
    for record, codes in ((good, ["P1"]), ({**good, "edad": 84}, ["K1"]), (DECLINED, ["P2"])):
        decide(page, **record)
        decision = ruled.service.scorer.score_one(record)
        assert list(decision.rules) == codes
        for kind, title in (("regla", "Reglas que"), ("modelo", "Qué aumenta")):
            items = page.locator(f"#respuesta h3:has-text('{title}') + ol li").all_inner_texts()
            said = [told(reason) for reason in decision.reasons if reason.kind == kind]
            assert [" ".join(item.split()) for item in items] == said
        said = text_of(page, ".decision")
        alone = decision.probability is not None and POLICY.outcome(decision.probability)
        assert ("Lo deciden las reglas" in said) == (alone != decision.outcome)
        assert page.locator("[role=meter]").count() == (decision.probability is not None)
        assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    assert {"07", "R-12"} <= {reason.code for reason in decision.reasons}
