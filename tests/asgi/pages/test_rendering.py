from __future__ import annotations

import gzip
import html
import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from morosidad import Field, Schema, Scorer, Settings
from morosidad.asgi import create_app
from morosidad.asgi.pages import assets as assets_module
from morosidad.asgi.pages.assets import CHARTS, Asset, Assets, assets, inline_style_ids
from morosidad.asgi.pages.examples import examples
from morosidad.asgi.pages.rendering import dashboard_page, field_spec, form_page
from morosidad.errors import InvalidRecord, MissingExtra
from morosidad.schema.field import Observed

INLINE = re.compile(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)|https?://", re.IGNORECASE)


class Page(HTMLParser):
    """The elements of a page, and whether each is closed."""

    VOID = frozenset({"meta", "link", "input", "img", "option", "br", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for found, attributes in self.elements if found == tag]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.default()


@pytest.fixture(scope="module")
def form(scorer: Scorer) -> str:
    return form_page(scorer)


# -- the form ------------------------------------------------------------------------------------


def test_the_form_asks_for_every_field_with_label_unit_and_help(scorer: Scorer, form: str) -> None:
    page = Page(form)
    controls = page.all("input") + page.all("select")
    assert {control["name"] for control in controls} == set(scorer.schema.names)
    labels = {label["for"] for label in page.all("label")}
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for control in controls:
        assert control["id"] in labels
        assert set(control["aria-describedby"].split()) <= ids
        assert ("required" in control) == scorer.schema[control["name"]].required
    for field in scorer.schema.fields:
        assert html.escape(field.label) in form
        assert html.escape(field.unit) in form
        assert html.escape(field.help) in form
    assert "Entre 18 y 85." in form
    assert 'data-revisar="0.2" data-rechazar="0.5"' in form


def test_categories_are_chosen_from_a_list(form: str) -> None:
    page = Page(form)
    assert {"", "urbana", "rural"} <= {option.get("value") for option in page.all("option")}
    assert "Dependiente" in form
    words = ["Agrícola", "Educación", "Microcrédito", "Técnica", "Vehículo"]
    assert all(f'<option value="{word}">' not in form and f">{word}</option>" in form for word in words)


def test_required_fields_come_first(form: str) -> None:
    assert form.index("Datos obligatorios") < form.index("Plazo") < form.index("Datos opcionales")


def test_a_schema_without_required_fields_has_one_group(scorer: Scorer, monkeypatch: Any) -> None:
    free = Schema([Field("edad", "integer", ge=18)])
    monkeypatch.setattr(type(scorer), "schema", property(lambda _: free))
    monkeypatch.setattr(type(scorer), "drift_reference", property(lambda _: None))
    text = form_page(scorer)
    assert "Datos obligatorios" not in text
    assert "Mayor o igual que 18." in text


def test_a_model_trained_on_made_up_applicants_says_so(
    trained: tuple[Any, Any], form: str, scorer: Scorer
) -> None:
    assert "sintéticos" in form
    assert "sintéticos" not in form_page(Scorer(trained[0], reference=trained[1]))


def test_words_of_a_schema_are_never_markup(trained: tuple[Any, Any]) -> None:
    nasty = '<img src=x onerror=alert(1)>"&$x'
    schema = Schema(
        [
            Field("ingresos", "number", label=nasty, unit=nasty, help=nasty),
            Field("empleo", "category", observed=Observed(categories=("fijo", nasty)), label="Empleo"),
            Field("moras", "integer", categories=(0, 1, 2)),
        ]
    )
    scorer = Scorer(trained[0], reference=trained[1], schema=schema, name=nasty)
    text = form_page(scorer)
    page = Page(text)
    assert not [name for _, given in page.elements for name in given if name == "style" or name[:2] == "on"]
    assert {image["src"] for image in page.all("img")} == {assets().path("icon.svg")}
    options = {option["value"] for option in page.all("option")}
    assert {"fijo", nasty, "0", "2"} <= options


@pytest.mark.parametrize("page", ["form", "dashboard"])
def test_nothing_is_inline_and_nothing_comes_from_outside(page: str, form: str) -> None:
    text = form if page == "form" else dashboard_page()
    assert not INLINE.search(text)
    parsed = Page(text)
    addresses = [e["href"] for e in parsed.all("link")] + [e["src"] for e in parsed.all("script")]
    known = {assets().path(name) for name in assets()}
    assert addresses
    assert set(addresses) <= known


def test_the_scripts_and_styles_ask_for_nothing_outside_and_are_short() -> None:
    for name, asset in assets().items():
        if name == CHARTS:
            continue
        text = asset.content.decode()
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", ""), name
        assert not re.search(r"https:|@import|url\(|innerHTML|eval\(|document\.write", text), name
        assert text.count("\n") <= 300, name
        for imported in re.findall(r'from "\./([^"]+)"', text):
            assert imported in assets(), (name, imported)


def test_what_plotly_would_style_inline_is_taken_in_advance() -> None:
    ids = inline_style_ids()
    assert ids
    metas = {meta.get("id") for meta in Page(dashboard_page()).all("meta")}
    assert set(ids) <= metas
    assert b".no-inline-styles" in assets()[CHARTS].content


# -- what is wrong with a value, in the schema's own words ------------------------------------------


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        (Field("x", "integer", ge=18, le=85, required=True), {"falta": None, "tipo": "a", "rango": 86}),
        (Field("x", "integer", gt=3), {"tipo": 3.5, "rango": 3, "alcance": 2**70}),
        (Field("x", "number", lt=0), {"tipo": [], "rango": 0.0, "alcance": float("inf")}),
        (Field("x", "number"), {"tipo": True, "alcance": float("-inf")}),
        (Field("x", "boolean", required=True), {"tipo": "sí", "falta": None}),
        (Field("x", "category", categories=("a", "b")), {}),
        (Field("x", "category", observed=Observed(categories=(1, 2))), {"tipo": "uno"}),
    ],
)
def test_a_field_gives_the_browser_the_messages_of_the_server(field: Field, wrong: dict[str, Any]) -> None:
    given_to_browser = field_spec(field)["mensajes"]
    for kind, value in wrong.items():
        with pytest.raises(InvalidRecord) as caught:
            Schema([field]).validate({"x": value})
        assert given_to_browser[kind] == caught.value.errors[0].message


def test_a_field_gives_the_browser_its_limits_and_no_more() -> None:
    spec = field_spec(Field("edad", "integer", ge=18, lt=85.5, label="Edad"))
    assert (spec["ge"], spec["lt"]) == (18.0, 85.5)
    assert {"gt", "le"}.isdisjoint(spec)
    assert not spec["obligatorio"]
    assert json.dumps(spec)


# -- made-up applicants -----------------------------------------------------------------------------


def test_the_examples_of_the_shipped_model_are_plausible_and_differ_in_risk(scorer: Scorer) -> None:
    found = examples(scorer.schema, scorer.drift_reference)
    usual, less, more = (scorer.score_one(record) for record in found)
    assert less.probability < usual.probability < more.probability
    assert not usual.warnings
    assert all(None not in record.values() for record in found)


numbers = st.one_of(st.none(), st.floats(-1e9, 1e9, allow_nan=False))


@st.composite
def fields(draw: Any, name: str) -> Field:
    kind = draw(st.sampled_from(["integer", "number", "category", "boolean"]))
    if kind == "boolean":
        return Field(name, kind)
    if kind == "category":
        levels = draw(st.sampled_from([None, ("a", "b"), (3, 1)]))
        seen = draw(st.sampled_from([None, Observed(categories=("a", "z")), Observed(categories=(1, 7))]))
        return Field(name, kind, categories=levels, observed=seen)
    low, high = draw(numbers), draw(numbers)
    if low is not None and high is not None and high - low < 2:
        low, high = min(low, high), max(low, high) + 2
    seen = Observed(low=-5.0, high=70.5) if low is None and high is None and draw(st.booleans()) else None
    ends = draw(st.sampled_from([("ge", "le"), ("gt", "lt")]))
    risk = draw(st.sampled_from([-1, 0, 1]))
    return Field(name, kind, **{ends[0]: low, ends[1]: high}, monotonic_cst=risk, observed=seen)


@given(st.data())
@settings(deadline=None)
def test_examples_are_records_that_the_schema_takes(data: Any) -> None:
    schema = Schema([data.draw(fields(f"c{place}")) for place in range(data.draw(st.integers(1, 5)))])
    for record in examples(schema):
        assert set(schema.validate(json.loads(json.dumps(record)))) == set(schema.names)


def test_the_middle_of_narrow_limits_is_rounded_to_what_lies_within() -> None:
    field = Field("x", "integer", ge=-2.25, le=-0.0625, monotonic_cst=-1)
    for record in examples(Schema([field])):
        assert record["x"] in (-2, -1)


def test_a_field_that_no_value_fits_has_an_example_all_the_same() -> None:
    assert examples(Schema([Field("x", "integer", gt=1.2, lt=1.8)]))[0]["x"] in (1, 2)


# -- files ------------------------------------------------------------------------------------------


def test_a_file_is_answered_whole_or_compressed_with_an_etag_of_its_own() -> None:
    asset = Asset("x.css", b"a { color: red }\n" * 100)
    status, plain, body = asset.answer()
    assert (status, body) == (200, asset.content)
    assert "Content-Encoding" not in plain
    assert plain["Cache-Control"] == "public, max-age=31536000, immutable"
    status, squeezed, body = asset.answer("br, gzip;q=0.5")
    assert gzip.decompress(body) == asset.content
    assert squeezed["Content-Encoding"] == "gzip"
    assert squeezed["Vary"] == plain["Vary"] == "Accept-Encoding"
    assert squeezed["ETag"] != plain["ETag"]
    assert asset.answer("gzip", squeezed["ETag"])[0] == 304
    assert asset.answer("", f'W/"other", W/{plain["ETag"]}')[::2] == (304, b"")
    assert asset.answer("gzip", plain["ETag"])[0] == 200
    assert asset.answer("", "*")[0] == 304


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("GZIP ; q=1", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0, br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(header: str, taken: bool) -> None:
    headers = Asset("x.js", b"let x = 1;\n" * 100).answer(header)[1]
    assert ("Content-Encoding" in headers) == taken


def test_what_does_not_shrink_is_sent_as_it_is() -> None:
    assert "Content-Encoding" not in Asset("x.svg", b"<svg/>").answer("gzip")[1]


def test_a_file_that_changes_changes_every_address() -> None:
    one, same = Assets({"a.js": b"1", "b.js": b"2"}), Assets({"b.js": b"2", "a.js": b"1"})
    other = Assets({"a.js": b"1", "b.js": b"3"})
    assert one.path("a.js") == same.path("a.js") != other.path("a.js")
    assert list(one) == ["a.js", "b.js"]
    assert len(one) == 2
    with pytest.raises(KeyError):
        one.path("c.js")


def test_without_plotly_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets_module, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"morosidad\[server\]"):
        assets_module.assets.__wrapped__()


def test_the_charts_library_is_that_of_the_installed_wheel() -> None:
    folder = Path(importlib.util.find_spec("plotly").origin).parent
    assert assets()[CHARTS].content == (folder / "package_data" / CHARTS).read_bytes()


# -- on the wire ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client() -> Any:
    app = create_app(Scorer.default(), Settings(audit_file=None, rate_limit_enabled=False))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/dashboard"])
def test_pages_come_with_a_strict_policy_and_are_asked_for_each_time(client: TestClient, path: str) -> None:
    for encoding in ("gzip", "identity"):
        answer = client.get(path, headers={"Accept-Encoding": encoding})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.text.startswith("<!doctype html>")


def test_files_are_answered_at_their_address_only(client: TestClient) -> None:
    for name, asset in assets().items():
        answer = client.get(assets().path(name))
        assert answer.status_code == 200
        assert answer.content == asset.content
        assert answer.headers["content-type"] == asset.media_type
        again = client.get(assets().path(name), headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        assert not again.content
    for path in ("/estatico/0000/base.css", f"/estatico/{assets().digest}/nada.js", "/estatico/../pages.py"):
        assert client.get(path).status_code == 404


def test_the_form_is_that_of_the_model_in_service(client: TestClient, tmp_path: Path) -> None:
    service = client.app.state.service
    before = client.get("/").text
    assert client.get("/").text == before
    small = Scorer.default()
    other = Scorer.load(_saved(small, tmp_path), policy=type(small.policy)(review_at=0.3, decline_at=0.7))
    kept = service.scorer
    service.scorer = other.with_parts(kpis=kept.parts["kpis"])
    try:
        assert 'data-rechazar="0.7"' in client.get("/").text
    finally:
        service.scorer = kept


def test_a_form_of_the_model_before_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Any
) -> None:
    from morosidad.asgi.pages import site

    pipeline, X = trained
    other = _saved(Scorer(pipeline, reference=X, name="otro"), tmp_path)

    def slow(scorer: Scorer) -> str:
        page = form_page(scorer)
        if scorer.model != "otro@1":
            scorer.reload(other)
        return page

    monkeypatch.setattr(site, "form_page", slow)
    with TestClient(create_app(Scorer.default(), Settings(audit_file=None, metrics_enabled=False))) as client:
        assert "otro@1" not in client.get("/").text
        assert "otro@1" in client.get("/").text


def _saved(scorer: Scorer, folder: Path) -> Path:
    scorer.save(folder / "m")
    return folder / "m"


def test_the_panel_is_made_once_a_second(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from morosidad.asgi.pages import site

    now = [100.0]
    monkeypatch.setattr(site.time, "monotonic", lambda: now[0])
    first = client.get("/api/panel").json()
    client.post("/predecir", json={"datos": examples(client.app.state.service.scorer.schema)[0]})
    assert client.get("/api/panel").json() == first
    now[0] += 1.0
    assert client.get("/api/panel").json()["predicciones"] == first["predicciones"] + 1
