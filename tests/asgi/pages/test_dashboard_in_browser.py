"""The dashboard in a real browser: figures, alerts, and what it does when the server is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chromium import ServerProcess, ThreadedServer
from chromium_pages import (
    CONTRAST,
    PHONE,
    PREDICTIONS,
    RETRY,
    WIDE,
    fill_example,
    predictions,
    served,
    text_of,
    wait_for_text,
)
from morosidad import Policy, Rule, Scorer
from morosidad.asgi.guards.keys import make_key
from morosidad.asgi.pages.examples import examples

pytest.importorskip("starlette")


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
        assert all("WebSocket" in text for text in complaints), complaints
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


def test_a_server_with_keys_asks_for_one_and_keeps_it_while_the_tab_is_open(
    open_page: Any, complaints: list[str]
) -> None:
    key, line = make_key("prueba", ["score", "metrics"])
    other_key, other_line = make_key("otra", ["score", "metrics"])
    with served(Scorer.default(), server_api_keys=(line, other_line)) as server:
        page = open_page(server.url)
        fill_example(page)
        page.get_by_role("button", name="Evaluar").click()
        dialog = page.get_by_role("dialog", name="Clave de acceso")
        for unsendable in ("clave con ñ", "llave “entre” comillas", "две", "a\tb"):
            page.get_by_label("Clave", exact=True).fill(unsendable)
            page.keyboard.press("Enter")
            wait_for_text(page, "dialog", "sin espacios ni acentos")
        page.get_by_label("Clave", exact=True).fill("noesesta")
        page.keyboard.press("Enter")
        wait_for_text(page, "dialog", "no aceptó la clave")
        page.get_by_label("Clave", exact=True).fill(key)
        page.get_by_role("button", name="Usar").click()
        page.locator(".decision").wait_for()
        assert dialog.count() == 0
        page.goto(f"{server.url}/dashboard")
        wait_for_text(page, "#conexion", "^Conectado$")
        assert key not in page.content()
        page.get_by_role("button", name="Cambiar la clave").click()
        page.get_by_role("button", name="Cancelar").click()
        wait_for_text(page, "#conexion", "^Conectado$")
        page.get_by_role("button", name="Cambiar la clave").click()
        page.get_by_label("Clave", exact=True).fill(f"  {other_key} ")  # pasted with spaces around it
        page.get_by_role("button", name="Usar").click()
        page.wait_for_function(f"() => sessionStorage.getItem('morosidad.clave') === '{other_key}'")
        wait_for_text(page, "#conexion", "^Conectado$")
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


def test_rules_are_counted_beside_the_decisions(open_page: Any) -> None:
    rules = (
        Rule("edad > 0", "revisar", "P1", "Todos"),
        Rule("edad > 80", "rechazar", "K1", "Edad", stage="before"),
    )
    with served(Scorer.default(policy=Policy(rules=rules))) as server:
        record = examples(server.service.scorer.schema)[0]
        server.predict(record, times=3)
        server.predict({**record, "edad": 84}, times=2)
        page = open_page(f"{server.url}/dashboard", viewport=PHONE)
        wait_for_text(page, "#texto-decisiones", r"Reglas aplicadas desde el inicio: P1: 3, K1: 2\.$")
        kpis = server.service.kpis
        kpis.record_rules({f"R{number}": 4 for number in range(20)})
        server.predict(record)
        wait_for_text(page, "#texto-decisiones", r"R0: 4, R1: 4, .* y \d+ más\.$")
        assert (page.evaluate(CONTRAST), page.evaluate(WIDE)) == ([], [])
