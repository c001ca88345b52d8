"""The browser code of the document that the system comes from, as it stands there, against the server.

The test page gives it the host and the port, the chart library, and the functions that the document calls
and does not define.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from starlette.responses import HTMLResponse
from starlette.routing import Route

from chromium import PATIENCE, ThreadedServer, chromium
from morosidad import Scorer, Settings
from morosidad.asgi import create_app
from morosidad.asgi.pages.examples import examples
from support import ROOT, needed

PAGE = "/prueba"


@pytest.fixture(scope="module")
def document() -> str:
    folder = Path(os.environ.get("SOURCE_DOCUMENT_FOLDER", ROOT.parent / "shared" / "seed"))
    path = folder / "procesamiento-tiempo-real.md"
    needed(path.exists(), f"the source document {path.name}")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    settings = Settings(audit_file=None, rate_limit_enabled=False)
    app = create_app(Scorer.default(), settings)
    app.router.routes.append(Route(PAGE, lambda _: HTMLResponse(app.state.test_page)))
    with ThreadedServer(app) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Any, server: ThreadedServer) -> Iterator[Any]:
    """Show a page of the test's own at the server's origin."""
    with browser.new_page() as page:
        errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))

        def open_page(body: str) -> Any:
            body = body.replace("127.0.0.1:5000", server.url.removeprefix("http://"))
            server.app.state.test_page = f"<!doctype html><meta charset='utf-8'><body>{body}</body>"
            page.goto(server.url + PAGE)
            return page

        yield open_page
        assert not errors


def code(document: str, language: str, marker: str) -> str:
    """Give the document's block of code that holds `marker`."""
    blocks = re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)
    (found,) = (block for block in blocks if marker in block)
    return str(found)


def test_the_form_code_sends_a_record_and_gets_a_decision(
    document: str, server: ThreadedServer, open_page: Any
) -> None:
    page = open_page(
        f"""<script>{code(document, "javascript", "function enviarPrediccion")}</script>
        <script>
            let datosFormulario = {{}}, mostrado, errores;
            const validarFormulario = () => ({{ valido: true, errores: [] }});
            const generarRequestID = () => "prueba-1";
            const obtenerSessionID = () => "sesion-1";
            const mostrarErrores = (lista) => {{ errores = lista; }};
            const mostrarResultado = (resultado, tiempo) => {{ mostrado = [resultado, tiempo]; }};
            const manejarError = (error) => {{ throw error; }};
        </script>"""
    )
    record = examples(server.service.scorer.schema)[0]
    page.evaluate("datos => { datosFormulario = datos; enviarPrediccion(); }", record)
    page.wait_for_function("() => mostrado")
    result, milliseconds = page.evaluate("mostrado")
    decision = server.service.scorer.score_one(record)
    assert result["prediccion"] == decision.label
    assert result["probabilidades"] == list(decision.probabilities)
    assert result["confianza"] == decision.confidence
    assert result["request_id"] == "prueba-1"
    assert milliseconds >= 1000 * result["tiempo_procesamiento"] > 0
    page.evaluate("() => { mostrado = null; datosFormulario = { edad: 12 }; enviarPrediccion(); }")
    page.wait_for_function("() => mostrado")
    refused = page.evaluate("mostrado")[0]
    assert (refused["error"], refused["codigo"]) == ("Datos inválidos", "E002")
    assert {"campo": "edad", "mensaje": "debe estar entre 18 y 85", "tipo": "rango"} in refused["errores"]


def test_the_monitor_shows_live_figures(document: str, server: ThreadedServer, open_page: Any) -> None:
    page = open_page(
        f"""<p id="uso-memoria"></p><p id="cache-hit-rate"></p>
        <script>{code(document, "javascript", "class MonitorTiempoReal")}</script>
        <script>
            const puntos = {{ pps: [], tiempo_respuesta: [] }}, alertas = [];
            MonitorTiempoReal.prototype.inicializarCharts = function () {{
                for (const nombre of Object.keys(puntos)) {{
                    this.charts[nombre] = {{ addPoint: (punto) => puntos[nombre].push(punto) }};
                }}
            }};
            MonitorTiempoReal.prototype.actualizarAlertas = (lista) => alertas.push(lista);
        </script>"""
    )
    server.service.alerts.set("prueba", True, "warning", "Un aviso")
    record = examples(server.service.scorer.schema)[0]
    page.wait_for_function("() => puntos.pps.length >= 1")
    server.predict(record, times=50)
    page.wait_for_function("() => puntos.pps.some(([cuando, ritmo]) => ritmo > 0)")
    page.wait_for_function("() => alertas.flat().some(({ mensaje }) => mensaje === 'Un aviso')")
    server.service.alerts.set("prueba", False, "warning", "")
    page.wait_for_function("() => alertas.at(-1).every(({ mensaje }) => mensaje !== 'Un aviso')")
    points = page.evaluate("puntos")
    assert [when for when, _ in points["pps"]] == sorted(when for when, _ in points["pps"])
    assert any(seconds for _, seconds in points["tiempo_respuesta"])
    assert re.fullmatch(r"\d+(\.\d+)?%", page.inner_text("#uso-memoria"))
    assert re.fullmatch(r"\d+\.\d%", page.inner_text("#cache-hit-rate"))


def test_the_dashboard_shows_live_figures(document: str, server: ThreadedServer, open_page: Any) -> None:
    library = """<script>
        class Chart {
            constructor(contexto, { data }) { this.data = data; this.dibujos = 0; }
            update() { this.dibujos += 1; }
        }
    </script>"""
    missing = """<script>
        const avisos = [];
        let tablero;
        DashboardTiempoReal.prototype.iniciarActualizacionPeriodica = function () { tablero = this; };
        DashboardTiempoReal.prototype.mostrarAlerta = (estado, consejos) => avisos.push([estado, consejos]);
    </script>"""
    page = open_page(library + code(document, "html", "class DashboardTiempoReal") + missing)
    record = examples(server.service.scorer.schema)[0]
    server.predict(record, times=50)
    page.wait_for_function("() => document.getElementById('tasa-exito').textContent === '100.0%'")
    assert re.fullmatch(r"\d+\.\d\ds", page.inner_text("#tiempo-p95"))
    assert float(page.inner_text("#throughput")) > 0
    assert 50 <= float(page.inner_text("#confianza-promedio").removesuffix("%")) <= 100
    drawn = page.evaluate("tablero.charts.throughput.dibujos")
    page.wait_for_function(f"() => tablero.charts.throughput.dibujos > {drawn}")
    labels, values = page.evaluate(
        "[tablero.charts.tiempoRespuesta.data.labels, tablero.charts.tiempoRespuesta.data.datasets[0].data]"
    )
    assert len(labels) == len(values) > 0
    assert values[-1] > 0
