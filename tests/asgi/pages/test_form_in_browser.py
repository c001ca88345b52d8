"""The form in a real browser: what people see and do."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from chromium import ThreadedServer
from chromium_pages import (
    fill_example,
    served,
    text_of,
    wait_for_text,
)
from morosidad import Field, Schema, Scorer
from morosidad.asgi.pages.rendering import field_spec
from morosidad.errors import InvalidRecord
from morosidad.schema.field import Observed

pytest.importorskip("starlette")


def test_what_is_typed_is_checked_at_once_and_a_good_record_is_decided(
    server: ThreadedServer, open_page: Any
) -> None:
    page = open_page(server.url)
    age = page.get_by_label("Edad", exact=True)
    said = age.evaluate(
        """input => {
            input.value = "12";
            input.dispatchEvent(new Event("input", { bubbles: true }));
            return document.getElementById(input.id + "-error").textContent;
        }"""
    )
    assert said == "debe estar entre 18 y 85"  # in the same turn of the event loop
    assert age.get_attribute("aria-invalid") == "true"
    age.fill("41")
    assert age.get_attribute("aria-invalid") is None
    page.get_by_label("Ingresos mensuales").fill("2.400.000,50")
    assert "Se lee 2\u202f400\u202f000,5" in page.inner_text("#c1-nota")
    page.get_by_label("Monto del crédito").fill("6000000")
    page.get_by_label("Plazo").fill("36")
    with page.expect_request("**/predecir") as asked:
        page.get_by_role("button", name="Evaluar").click()
    page.locator(".decision").wait_for()
    sent = json.loads(asked.value.post_data)
    assert sent["datos"] == {
        "edad": 41,
        "ingresos_mensuales": 2400000.5,
        "monto_credito": 6000000,
        "plazo_meses": 36,
    }
    assert {"timestamp_cliente", "session_id"} <= set(sent)
    decision = server.service.scorer.score_one(sent["datos"])
    result = text_of(page, "#resultado")
    assert decision.outcome.capitalize() in result
    assert f"{decision.probability:.1%}".replace(".", ",") in result.replace(" %", "%")
    for reason in decision.reasons:
        assert reason.text in result
    assert decision.model in result
    assert asked.value.headers["x-request-id"] in result
    meter = page.get_by_role("meter", name="Probabilidad de mora")
    assert meter.get_attribute("aria-valuenow") == f"{100 * decision.probability:.1f}"
    assert page.evaluate("document.activeElement.id") == "titulo-resultado"


def test_a_form_with_errors_shows_a_summary_that_leads_to_each(
    server: ThreadedServer, open_page: Any
) -> None:
    page = open_page(server.url)
    fill_example(page)
    page.get_by_label("Edad", exact=True).fill("12,5")
    page.get_by_label("Plazo").fill("")
    page.get_by_role("button", name="Evaluar").click()
    assert page.evaluate("document.activeElement.id") == "resumen"
    assert page.locator("#resumen li").all_inner_texts() == [
        "Edad: se esperaba un número entero entre 18 y 85",
        "Plazo: obligatorio: falta el valor",
    ]
    page.locator("#resumen a").nth(1).click()
    assert page.evaluate("document.activeElement.name") == "plazo_meses"
    assert page.locator(".decision").count() == 0


def test_the_form_works_with_the_keyboard_alone(server: ThreadedServer, open_page: Any) -> None:
    page = open_page(server.url)
    keyboard = page.keyboard
    keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "saltar"
    for _ in range(4):
        keyboard.press("Tab")
    for value in ("41", "2400000", "6000000", "36"):
        assert page.evaluate("document.activeElement.required")
        keyboard.type(value)
        keyboard.press("Tab")
    keyboard.press("Enter")
    page.locator(".decision").wait_for()
    assert page.evaluate("document.activeElement.id") == "titulo-resultado"


def test_examples_fill_the_form_and_cleaning_empties_it(server: ThreadedServer, open_page: Any) -> None:
    page = open_page(server.url)
    found = []
    for _ in range(3):
        fill_example(page)
        assert page.locator(".invalido").count() == 0
        page.get_by_role("button", name="Evaluar").click()
        page.locator(".viejo").wait_for(state="detached")
        page.locator(".decision").wait_for()
        found.append(page.get_attribute("[role=meter]", "aria-valuenow"))
    assert len(set(found)) == 3
    page.get_by_role("textbox", name="Edad", exact=True).fill("50")
    assert "Los datos cambiaron" in page.inner_text("#resultado")
    page.get_by_role("button", name="Limpiar").click()
    page.locator(".vacio").wait_for()
    assert {page.input_value(f"#c{place}") for place in range(20)} == {""}
    assert page.evaluate("document.activeElement.id") == "c0"


def test_the_server_has_the_last_word_on_each_field(
    server: ThreadedServer, open_page: Any, complaints: list[str]
) -> None:
    page = open_page(server.url)
    refusal = {
        "error": "Datos inválidos",
        "codigo": "E002",
        "errores": [{"campo": "edad", "mensaje": "no la del servidor", "tipo": "rango"}],
    }
    page.route("**/predecir", lambda route: route.fulfill(status=400, json=refusal))
    fill_example(page)
    page.get_by_role("button", name="Evaluar").click()
    wait_for_text(page, "#resumen", "no la del servidor")
    assert page.locator("#resumen li").all_inner_texts() == ["Edad: no la del servidor"]
    assert text_of(page, "#c0-error").endswith("no la del servidor")
    complaints.remove("Failed to load resource: the server responded with a status of 400 (Bad Request)")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, "Inténtelo de nuevo en 7 s. Código E429."),
        ({"status": 503}, "Código E503."),
        (None, "Sin conexión"),
    ],
)
def test_a_server_that_can_not_answer_leaves_the_data_in_the_form(
    server: ThreadedServer, open_page: Any, complaints: list[str], answer: Any, shown: str
) -> None:
    page = open_page(server.url)

    def respond(route: Any) -> None:
        if answer is None:
            route.abort()
        else:
            body = {"error": "No se puede", "codigo": f"E{answer['status']}", "request_id": "r-1"}
            route.fulfill(**answer, json=body)

    page.route("**/predecir", respond)
    fill_example(page)
    page.get_by_role("button", name="Evaluar").click()
    wait_for_text(page, "#respuesta [role=alert]", re.escape(shown))
    assert page.input_value("#c0") != ""
    assert len(complaints) == 1
    assert complaints.pop().startswith("Failed to load resource")


texts = st.one_of(
    st.sampled_from(
        ["", " ", "-", "1e400", "9007199254740993", "1.234", "12.345.678", "1,5", "0,5", "1 000"]
    ),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.integers(-10, 130).map(str),
    st.sampled_from(["-9", "-9,0", "96", "130", "1,5", "NA", "na", "1e21"]),
    st.text(max_size=8),
)


FIELDS = (
    *Scorer.default().schema.fields,
    Field("entero", "integer"),
    Field("numero", "number", gt=-1.5, le=2.5, required=True),
    Field("nivel", "category", observed=Observed(categories=(1, 2))),
    Field("libre", "category", required=True),
    Field("hasta", "integer", lt=10),
    Field("consultas", "integer", ge=0, missing=(-9, 1.5, "NA")),
    Field("moras", "number", ge=0, le=100, required=True, missing=(-9, 130, 1e21)),
    Field("empleo", "category", missing=("-", "NA", 96)),
    Field("tramo", "category", observed=Observed(categories=(1, 2)), missing=(-9, "NA")),
)


def server_says(field: Field, value: Any) -> str:
    try:
        Schema([field]).validate({} if value is None else {field.name: value})
    except InvalidRecord as error:
        return error.errors[0].message
    return ""


@given(st.lists(st.tuples(st.sampled_from(FIELDS), texts), min_size=100, max_size=100))
@example([(Field("con_limites", "integer", ge=0, le=360), "-9223372036854775809")])
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a hundred texts fail as plainly as one
    suppress_health_check=[HealthCheck.too_slow],
)
def test_the_browser_says_of_any_text_what_the_server_says_of_its_value(
    checker: Any, typed: list[tuple[Field, str]]
) -> None:
    typed = [(f, text) for f, text in typed if f.categories is None]  # those are chosen from a list
    answers = checker.evaluate(
        """([fields, texts]) => texts.map((text, place) => {
            const value = check.parse(fields[place], text);
            const infinite = typeof value === "number" && !Number.isFinite(value);
            const sent = value === undefined ? null : infinite ? [Math.sign(value)] : value;
            return [sent, check.complaint(fields[place], value)];
        })""",
        [[field_spec(field) for field, _ in typed], [text for _, text in typed]],
    )
    for (field, text), (value, said) in zip(typed, answers, strict=True):
        if isinstance(value, list):  # JSON has no infinity, and a text may say it
            value = math.inf * value[0]
        elif isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
            value = int(value)  # as JSON writes it
        assert said == server_says(field, value), (field.name, text, value)


@pytest.fixture(scope="module")
def checker(server: ThreadedServer, browser: Any) -> Iterator[Any]:
    """A page that has loaded the module which reads and checks texts."""
    from morosidad.asgi.pages.assets import assets

    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.evaluate(f"import('{assets().path('fields.js')}').then(module => {{ window.check = module; }})")
    yield page
    context.close()


def test_any_schema_becomes_a_form(open_page: Any, trained: tuple[Any, Any]) -> None:
    schema = Schema(
        [
            Field("ingresos", "number", ge=0, required=True, label='Ingresos <b>"netos"</b>'),
            Field("empleo", "category", observed=Observed(categories=("fijo", "libre")), label="Empleo"),
            Field("moras", "integer", categories=(0, 1, 2), label="Moras"),
            Field("socio", "boolean", label="¿Es socio?"),
        ]
    )
    with served(
        Scorer(trained[0], schema=schema, reference=trained[1].assign(moras=1, socio=True))
    ) as server:
        page = open_page(server.url)
        page.get_by_label('Ingresos <b>"netos"</b>').fill("800")
        page.get_by_label("Empleo").fill("jubilado")
        page.get_by_label("Moras").select_option("2")
        page.get_by_label("¿Es socio?").select_option("Sí")
        wait_for_text(page, "#c1-nota", "categoría no vista en el entrenamiento")
        with page.expect_request("**/predecir") as asked:
            page.get_by_role("button", name="Evaluar").click()
        page.locator(".decision").wait_for()
        record = {"ingresos": 800, "empleo": "jubilado", "moras": 2, "socio": True}
        assert json.loads(asked.value.post_data)["datos"] == record
        assert "empleo: categoría no vista en el entrenamiento" in page.inner_text("#resultado")
