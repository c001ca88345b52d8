"""A server in each language: its answers, its pages, its figures and its description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from morosidad import Scorer, Settings
from morosidad.asgi import create_app
from morosidad.languages import LANGUAGES, Language, words
from morosidad.schema.ahorro_valle import AHORRO_VALLE

pytest.importorskip("starlette")

RECORD = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}


@pytest.fixture(scope="module", params=LANGUAGES)
def asked(request: pytest.FixtureRequest) -> Iterator[tuple[Language, Any]]:
    from starlette.testclient import TestClient

    settings = Settings(audit_file=None, rate_limit_enabled=False, language=request.param)
    with TestClient(create_app(Scorer.default(), settings)) as client:
        yield request.param, client


def test_decisions_and_their_reasons(asked: tuple[Language, Any]) -> None:
    language, client = asked
    answer = client.post("/predecir", json={"datos": RECORD}).json()
    expected = Scorer.default(language=language).score_one(RECORD)
    assert [reason["texto"] for reason in answer["motivos"]] == [reason.text for reason in expected.reasons]
    assert answer["decision"] == expected.outcome


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("POST", "/predecir", b"", "no_data"),
        ("POST", "/predecir", b"{", "not_json"),
        ("POST", "/predecir", b'{"datos": {}, "datos": {}}', "doubled"),
        ("POST", "/predecir", b"[]", "no_envelope"),
        ("POST", "/predecir", b'{"datos": {}, "x": 1}', "wrong_envelope"),
        ("POST", "/predecir", b'{"datos": {"edad": 3}}', "invalid"),
        ("POST", "/predecir", b'{"datos": 1}', "invalid"),
        ("POST", "/predecir/lote", b"{}", "no_list"),
        ("GET", "/predecir", b"", "no_method"),
        ("GET", "/nada", b"", "no_path"),
    ],
)
def test_error_documents(asked: tuple[Language, Any], method: str, path: str, body: bytes, text: str) -> None:
    language, client = asked
    headers = {"Content-Type": "application/json"}
    document = client.request(method, path, content=body, headers=headers).json()
    assert document["error"] == words(language, "server")[text]
    others = {error["mensaje"] for error in document.get("errores", ())}
    catalogue = {*words("es", "records").values(), *words("es", "server").values()}
    assert language == "es" or not others & (catalogue - {*words(language, "records").values()})


def test_wrong_records_of_a_batch_and_of_the_form(asked: tuple[Language, Any]) -> None:
    language, client = asked
    (found,) = client.post("/predecir/lote", json=[{**RECORD, "edad": 3}]).json()
    assert found["error"] == words(language, "server")["invalid"]
    checked = client.post("/validar", json={"datos": {**RECORD, "edad": 3}}).json()
    assert checked["errores"] == found["errores"]
    assert found["errores"][0]["mensaje"] == {
        "es": "debe estar entre 18 y 85",
        "en": "must be between 18 and 85",
        "pt": "deve estar entre 18 e 85",
    }[language]  # fmt: skip


def test_pages_hold_the_words_of_one_language(asked: tuple[Language, Any]) -> None:
    language, client = asked
    form, dashboard = client.get("/").text, client.get("/dashboard").text
    for page in (form, dashboard):
        assert f'<html lang="{language}">' in page
        assert "${" not in page
        assert "$say" not in page
    for field in AHORRO_VALLE.fields:
        assert f">{field.words_in(language).label}</label>" in form
    assert f"<h1>{words(language, 'pages')['dashboard']}</h1>" in dashboard
    script = re.search(r'src="(/estatico/[^"]*)/dashboard\.js"', dashboard)
    assert script is not None
    texts = client.get(f"{script.group(1)}/words.js").text
    assert words(language, "pages")["no_data"] in texts


def test_each_text_that_a_script_asks_for_is_there() -> None:
    from morosidad.asgi.pages.assets import assets

    known = words("es", "pages")
    for name, asset in assets("es").items():
        if name.endswith(".js") and "plotly" not in name and name != "words.js":
            code = asset.content.decode()
            asked = set(re.findall(r'say\("(\w+)"', code)) | set(
                re.findall(r'count\([^"]*"(\w+)", "\w+"\)', code)
            )
            assert asked <= known.keys(), name


def test_stages_help_of_figures_and_the_description(asked: tuple[Language, Any]) -> None:
    language, client = asked
    metrics = client.get("/metrics").text
    assert f"# HELP morosidad_alerta {words(language, 'service')['help_alerta']}" in metrics
    document = client.get("/openapi.json").json()
    assert document["paths"]["/predecir"]["post"]["summary"] == words(language, "server")["predecir"]
    titles = [
        value["title"] for value in document["components"]["schemas"]["Registro"]["properties"].values()
    ]
    assert titles == [field.words_in(language).label for field in AHORRO_VALLE.fields]


def test_the_setting_goes_before_the_scorers_language_and_that_before_the_default() -> None:
    scorer = Scorer.default(language="pt")
    service = create_app(scorer, Settings(audit_file=None)).state.service
    assert (service.language, service.scorer.language, service.alerts.language) == ("pt", "pt", "pt")
    service = create_app(scorer, Settings(audit_file=None, language="en")).state.service
    assert (service.language, service.scorer.language, service.alerts.language) == ("en", "en", "en")


def test_the_setting_is_never_gettexts() -> None:
    """``LANGUAGE`` is what the system speaks: a list for gettext, which is no setting of ours."""
    assert Settings.load(env={"LANGUAGE": "en_US:en"}, dotenv=None).language == "es"
    assert Settings.load(env={"MOROSIDAD_LANGUAGE": "PT"}, dotenv=None).language == "pt"
