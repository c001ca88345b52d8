"""The pages in a real browser: what people see and do."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette")

from chromium import PATIENCE, ServerProcess, ThreadedServer, chromium
from morosidad import Field, Schema, Scorer, Settings
from morosidad.asgi import create_app
from morosidad.asgi.guards.keys import make_key
from morosidad.asgi.pages.examples import examples
from morosidad.asgi.pages.rendering import field_spec
from morosidad.errors import InvalidRecord
from morosidad.schema.field import Observed

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1366, "height": 900}
RETRY = 5000  # ms after which the dashboard tries again


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def served(scorer: Scorer, **options: Any) -> ThreadedServer:
    return ThreadedServer(create_app(scorer, Settings(audit_file=None, rate_limit_enabled=False, **options)))


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    with served(Scorer.default()) as server:
        yield server


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained about; a test takes out what it expects."""
    return []


@pytest.fixture
def open_page(browser: Any, complaints: list[str]) -> Iterator[Any]:
    """Open pages whose console must stay free of errors, those of the content security policy among them."""
    contexts = []

    def open_page(address: str, *, clock: bool = False, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if clock:
            page.clock.install()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def text_of(page: Any, selector: str) -> str:
    return re.sub(r"\s+", " ", page.inner_text(selector)).strip()


def wait_for_text(page: Any, selector: str, pattern: str) -> None:
    page.locator(selector).filter(has_text=re.compile(pattern)).first.wait_for()


PREDICTIONS = """Number(document.getElementById("periodo").textContent.split("·")[1].replace(/\\D/g, ""))"""


def predictions(page: Any) -> int:
    """How many predictions the dashboard says that there were."""
    return int(page.evaluate(PREDICTIONS))


def fill_example(page: Any) -> None:
    page.get_by_role("button", name="Ejemplo").click()


# -- the form ------------------------------------------------------------------------------------


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
    assert f"{decision.probability:.1%}".replace(".", ",") in result.replace("\xa0", "")
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
    page.get_by_label("Edad", exact=True).fill("50")
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
    st.text(max_size=8),
)
FIELDS = (
    *Scorer.default().schema.fields,
    Field("entero", "integer"),
    Field("numero", "number", gt=-1.5, le=2.5, required=True),
    Field("nivel", "category", observed=Observed(categories=(1, 2))),
    Field("libre", "category", required=True),
    Field("hasta", "integer", lt=10),
)


def server_says(field: Field, value: Any) -> str:
    number = math.inf if value == "Infinity" else -math.inf if value == "-Infinity" else value
    try:
        Schema([field]).validate({} if value is None else {field.name: number})
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
            const sent = value === undefined ? null : Number.isFinite(value) ? value : String(value);
            return [sent, check.complaint(fields[place], value)];
        })""",
        [[field_spec(field) for field, _ in typed], [text for _, text in typed]],
    )
    for (field, text), (value, said) in zip(typed, answers, strict=True):
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
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


# -- the dashboard -------------------------------------------------------------------------------


def test_a_dashboard_without_predictions_says_so(open_page: Any) -> None:
    with served(Scorer.default()) as server:
        page = open_page(f"{server.url}/dashboard")
        wait_for_text(page, "#conexion", "^Conectado$")
        wait_for_text(page, "#estado", "Sin datos")
        for card in ("tiempo-p95", "tasa-exito", "confianza-promedio"):
            assert text_of(page, f"#{card}") == "—"
        for chart in ("tiempos", "ritmo", "puntajes", "decisiones", "etapas", "deriva"):
            page.locator(f"#grafico-{chart}.sin-datos").wait_for()
        assert page.locator("#recomendaciones li", has_text="NaN").count() == 0


def test_figures_move_under_load(server: ThreadedServer, open_page: Any) -> None:
    page = open_page(f"{server.url}/dashboard", clock=True)
    wait_for_text(page, "#conexion", "^Conectado$")
    made = examples(server.service.scorer.schema, server.service.scorer.drift_reference)
    for record in made:
        server.predict(record, times=20)
    wait_for_text(page, "#tiempo-p95", r"\d (µs|ms|s)$")
    wait_for_text(page, "#tasa-exito", r"^100,0\s?%$")
    wait_for_text(page, "#confianza-promedio", r"\d,\d\s?%$")
    before = predictions(page)
    assert before > 0
    page.clock.fast_forward(RETRY)
    for chart in ("tiempos", "ritmo", "puntajes", "decisiones", "etapas", "cache"):
        page.locator(f"#grafico-{chart} .main-svg").first.wait_for()
    wait_for_text(page, "#texto-decisiones", "aprobar")
    server.predict(made[0], times=30)
    page.wait_for_function(f"() => {PREDICTIONS} > {before + 20}")


SAID = """async () => {
    const folder = document.querySelector("[rel=stylesheet]").href.replace(/[^/]*$/, "");
    const { duration, rounded, tiny } = await import(`${folder}text.js`);
    const { drift } = await import(`${folder}series.js`);
    const campos = [..."abcdefg"].map((etiqueta) => ({ etiqueta, estado: "fuerte", psi: 1, ruido: 0 }));
    const deriva = { registros: 1000, puntaje: { estado: "estable", psi: 0, ruido: 0 }, campos };
    return [rounded(9588), rounded(0.0165), duration(1234), tiny(2.2e-16), drift({ deriva }).text];
}"""


def test_no_point_of_a_number_can_be_taken_for_a_decimal_one(server: ThreadedServer, open_page: Any) -> None:
    *numbers, drift = open_page(server.url + "/dashboard").evaluate(SAID)
    assert numbers == ["9\u202f590", "0,0165", "1\u202f230 s", "2,2e−16"]
    assert drift.startswith("Cambiaron: a (fuerte), b (fuerte), c (fuerte), d (fuerte), e (fuerte) y 2 más. ")


def test_charts_follow_the_colour_scheme(server: ThreadedServer, open_page: Any) -> None:
    server.predict(examples(server.service.scorer.schema)[0], times=5)
    page = open_page(f"{server.url}/dashboard", color_scheme="light")
    tick = page.locator("#grafico-puntajes .xtick text").first
    tick.wait_for()
    light = tick.evaluate("element => getComputedStyle(element).fill")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        """before => {
            const tick = document.querySelector("#grafico-puntajes .xtick text");
            return getComputedStyle(tick).fill !== before;
        }""",
        arg=light,
    )


def test_alerts_appear_and_clear(server: ThreadedServer, open_page: Any) -> None:
    page = open_page(f"{server.url}/dashboard", clock=True)
    alerts = server.service.alerts
    alerts.set("prueba", True, "critical", "Memoria crítica: 91 %")
    alert = page.locator("#alertas .alerta", has_text="Memoria crítica")
    alert.wait_for()
    assert text_of(page, ".alerta[data-codigo=prueba] strong") == "Crítico"
    wait_for_text(page, "#estado", "^Crítico$")
    alerts.set("prueba", True, "critical", "Memoria crítica: 95 %")
    wait_for_text(page, ".alerta[data-codigo=prueba]", "95 %")
    alerts.set("prueba", False, "critical", "")
    alert.wait_for(state="detached")
    wait_for_text(page, "#estado", "^(?!Crítico)")
    page.clock.fast_forward(RETRY)
    page.locator("#historial li", has_text="Memoria crítica: 95 %").wait_for()


def test_a_dashboard_says_that_it_is_offline_and_comes_back(
    open_page: Any, tmp_path: Path, complaints: list[str]
) -> None:
    server = ServerProcess(tmp_path)
    try:
        server.start()
        page = open_page(f"{server.url}/dashboard", clock=True)
        wait_for_text(page, "#conexion", "^Conectado$")
        server.kill()
        wait_for_text(page, "#conexion", "^Sin conexión")
        page.clock.fast_forward(RETRY)
        wait_for_text(page, "#conexion", "^Sin conexión")
        server.start()
        page.clock.fast_forward(RETRY)
        page.clock.fast_forward(RETRY)
        wait_for_text(page, "#conexion", "^Conectado$")
        assert page.evaluate("document.body.className") == ""
        assert complaints
        assert all("ERR_CONNECTION_REFUSED" in text or "WebSocket" in text for text in complaints)
        complaints.clear()
    finally:
        server.kill()


REFUSED = "WebSocket connection to"


@pytest.mark.parametrize("without", ["websocket_enabled", "metrics_enabled"])
def test_a_dashboard_without_websockets_asks_every_few_seconds(
    without: str, open_page: Any, complaints: list[str]
) -> None:
    with served(Scorer.default(), **{without: False}) as server:
        record = examples(server.service.scorer.schema, server.service.scorer.drift_reference)[0]
        server.predict(record, times=3)
        page = open_page(f"{server.url}/dashboard", clock=True, viewport=PHONE)
        wait_for_text(page, "#conexion", "^Conectado sin WebSocket · se actualiza cada 5 s$")
        assert predictions(page) == 3
        wait_for_text(page, "#modelo", "Conexiones")
        assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
        server.predict(record, times=4)
        alerts = server.service.alerts
        alerts.set("prueba", True, "critical", "Memoria crítica: 91 %")
        page.clock.fast_forward(RETRY)
        page.wait_for_function(f"() => {PREDICTIONS} === 7")
        page.locator("#alertas .alerta", has_text="Memoria crítica").wait_for()
        alerts.set("prueba", False, "critical", "")
        page.clock.fast_forward(RETRY)
        page.locator("#alertas .alerta").wait_for(state="detached")
        page.route("**/api/kpis", lambda route: route.abort())
        page.clock.fast_forward(RETRY)
        wait_for_text(page, "#conexion", "^Sin conexión")
        page.unroute("**/api/kpis")
        page.clock.fast_forward(RETRY)
        wait_for_text(page, "#conexion", "^Conectado sin WebSocket")
        assert all(REFUSED in text or "ERR_FAILED" in text for text in complaints), complaints
        complaints.clear()


def test_a_dashboard_without_websockets_takes_them_up_when_they_open(
    open_page: Any, complaints: list[str]
) -> None:
    with served(Scorer.default(), websocket_clients=1) as server:
        one = open_page(f"{server.url}/dashboard")
        wait_for_text(one, "#conexion", "^Conectado sin WebSocket")  # it needs two
        page = open_page(f"{server.url}/dashboard", clock=True)
        wait_for_text(page, "#conexion", "^Conectado sin WebSocket")
        object.__setattr__(server.service.settings, "websocket_clients", 10)
        for _ in range(1800):
            page.clock.fast_forward(RETRY)
            if text_of(page, "#conexion") == "Conectado":
                break
            page.wait_for_timeout(50)
        wait_for_text(page, "#conexion", "^Conectado$")
        assert all(REFUSED in text for text in complaints), complaints
        complaints.clear()


# -- for everybody -------------------------------------------------------------------------------


def test_a_server_with_keys_asks_for_one_and_keeps_it_while_the_tab_is_open(
    open_page: Any, complaints: list[str]
) -> None:
    key, line = make_key("prueba", ["score", "metrics"])
    with served(Scorer.default(), server_api_keys=(line,)) as server:
        page = open_page(server.url)
        fill_example(page)
        page.get_by_role("button", name="Evaluar").click()
        dialog = page.get_by_role("dialog", name="Clave de acceso")
        page.get_by_label("Clave", exact=True).fill("no es esta")
        page.keyboard.press("Enter")
        wait_for_text(page, "dialog", "no aceptó la clave")
        page.get_by_label("Clave", exact=True).fill(key)
        page.get_by_role("button", name="Usar").click()
        page.locator(".decision").wait_for()
        assert dialog.count() == 0
        page.goto(f"{server.url}/dashboard")
        wait_for_text(page, "#conexion", "^Conectado$")
        assert key not in page.content()
        assert all("status of 40" in text for text in complaints)
        complaints.clear()
        other = open_page(f"{server.url}/dashboard")
        other.get_by_role("button", name="Cancelar").click()
        wait_for_text(other, "#conexion", "Sin acceso")
        other.get_by_role("button", name="Dar la clave").click()
        other.get_by_label("Clave", exact=True).fill(key)
        other.keyboard.press("Enter")
        wait_for_text(other, "#conexion", "^Conectado$")
        assert all("status of 401" in text for text in complaints)
        complaints.clear()


CONTRAST = """() => {
    const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const [r, g, b, a = 1] = parse(getComputedStyle(one).backgroundColor);
            if (a > 0) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        const style = getComputedStyle(element);
        if (!own || !element.getClientRects().length || element.closest("svg, option")) continue;
        const [one, other] = [light(parse(style.color)), light(behind(element))].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (other + 0.05);
        if (ratio < 4.5) found.push([element.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
    }
    return found;
}"""
WIDE = """() => [...document.querySelectorAll("body *")]
    .filter((e) => !e.closest("svg, .saltar") && e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => `${e.tagName}.${e.className}`)"""


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_and_nothing_is_cut_off(
    server: ThreadedServer, open_page: Any, scheme: str, viewport: dict[str, int]
) -> None:
    page = open_page(server.url, color_scheme=scheme, viewport=viewport)
    assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    page.get_by_role("button", name="Evaluar").click()
    assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    for _ in range(3):
        fill_example(page)
        page.get_by_role("button", name="Evaluar").click()
        page.locator(".viejo").wait_for(state="detached")
        page.locator(".decision").wait_for()
        assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    page.goto(f"{server.url}/dashboard")
    server.service.alerts.set("prueba", True, "warning", "Un aviso largo " * 8)
    page.locator("#alertas .alerta").first.wait_for()
    page.locator("#grafico-puntajes .main-svg").first.wait_for()
    assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
    server.service.alerts.set("prueba", False, "warning", "")


def test_a_screen_reader_finds_every_control_by_its_name(server: ThreadedServer, open_page: Any) -> None:
    page = open_page(server.url)
    for field in server.service.scorer.schema.fields:
        role = "combobox" if field.categories else "textbox"
        control = page.get_by_role(role, name=field.label, exact=True)
        assert control.count() == 1, field.label
        described = page.evaluate(
            """input => input.getAttribute("aria-describedby").split(" ")
                .map((id) => document.getElementById(id).textContent).join(" ")""",
            control.element_handle(),
        )
        assert field.help in described
    assert page.get_by_role("main").count() == page.get_by_role("navigation").count() == 1
    assert page.locator("html[lang=es]").count() == 1
