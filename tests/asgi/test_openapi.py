"""The document says what the server does: by hand, and by generated requests."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from morosidad import Field, Schema, Scorer, Settings
from morosidad.asgi.guards.rates import WEIGHTS
from morosidad.asgi.openapi import describe
from morosidad.asgi.pages.assets import PREFIX
from morosidad.asgi.routes import make_routes
from morosidad.asgi.service import Service
from support import needed

Draft202012Validator = pytest.importorskip("jsonschema").Draft202012Validator
REQUESTS = 12


def document(client) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def validator(whole, schema) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": whole["components"]})


def content(part, kind="application/json"):
    return part["content"][kind]


def test_every_path_and_method_is_described(client):
    described = {
        (method.upper(), path) for path, methods in document(client)["paths"].items() for method in methods
    }
    files = {pair for pair in client.app.table if pair[1].startswith(PREFIX)}
    assert len(files) > 20
    assert described == {pair for pair in client.app.table.keys() - files if pair[0] != "HEAD"}


def test_every_route_stands_once_in_the_table_with_what_admits_it(client):
    routes = make_routes(client.app.state.service)
    assert len({(route.method, route.path) for route in routes}) == len(routes)
    assert len({route.operation.name for route in routes}) == len(routes)
    assert all((route.scope is None) == (route.rate is None) for route in routes)
    assert {route.rate for route in routes} - {None} == set(WEIGHTS)
    work = {"/predecir", "/predecir/lote", "/que-cambiaria"}
    assert {route.path for route in routes if route.work} == work


def test_the_examples_are_valid_and_are_answered_as_they_say(client):
    whole = document(client)
    tried = 0
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            for answer in operation["responses"].values():
                for shown in answer["content"].values():
                    if "example" in shown:
                        validator(whole, shown["schema"]).validate(shown["example"])
            if "requestBody" in operation:
                given = content(operation["requestBody"])
                validator(whole, given["schema"]).validate(given["example"])
                answer = client.request(method, path, json=given["example"])
                assert answer.status_code == 200, path
                shown = content(operation["responses"]["200"])
                validator(whole, shown["schema"]).validate(answer.json())
                if path == "/predecir":
                    same = answer.json() | {"request_id": "solicitud-1", "tiempo_procesamiento": 0.00005}
                    assert same == shown["example"]
                tried += 1
    assert tried == 6


def test_the_record_is_that_of_the_schema_and_follows_a_reload(serve, tmp_path, trained):
    path = tmp_path / "m"
    Scorer.default().save(path)
    client = serve(Scorer.load(path))
    before = document(client)
    assert set(before["components"]["schemas"]["Registro"]["properties"]) == set(
        Scorer.default().schema.names
    )
    assert client.get("/openapi.json").content == client.get("/openapi.json").content
    pipeline, X = trained
    Scorer(pipeline, reference=X, name="otro", version="7").save(path)
    assert client.post("/admin/recargar").status_code == 200
    after = document(client)
    assert set(after["components"]["schemas"]["Registro"]["properties"]) == {"ingresos", "empleo", "moras"}
    assert after["info"]["title"] == "otro"
    assert after["info"]["version"] == "7"


def test_keys_limits_and_prefixes_are_described_where_there_are_any(key_lines):
    def described(root="", **given):
        scorer, settings = Scorer.default(), Settings(audit_file=None, **given)
        return describe(scorer, settings, make_routes(Service(scorer, settings)), root)

    plain = described(rate_limit_enabled=False, server_anonymous=True)
    assert "securitySchemes" not in plain["components"]
    assert "servers" not in plain
    assert plain["paths"]["/predecir"]["post"]["responses"].keys() == {
        "200", "400", "403", "413", "500", "503", "504",
    }  # fmt: skip
    assert plain["paths"]["/salud/viva"]["get"]["responses"].keys() == {"200", "500"}
    keyed = described("/credito", server_api_keys=key_lines, server_batch_size=7)
    assert keyed["servers"] == [{"url": "/credito"}]
    operation = keyed["paths"]["/predecir/lote"]["post"]
    assert operation["security"] == [{"clave": ["score"]}, {"portador": ["score"]}]
    assert operation["responses"].keys() >= {"401", "403", "429"}
    assert content(operation["requestBody"])["schema"]["maxItems"] == 7
    local = described()
    assert "403" in local["paths"]["/salud/viva"]["get"]["responses"]


def test_every_error_code_of_an_operation_is_one_of_the_wire(client):
    for methods in document(client)["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if status[0] in "45" and "allOf" in content(answer)["schema"]:
                    _, named = content(answer)["schema"]["allOf"]
                    codes = named["properties"]["codigo"]["enum"]
                    assert {code[1:] if code > "E1" else "400" for code in codes} == {status}


VALUES = [
    None, True, False, 0, 1, -1, 3, 3.0, 3.5, -0.0, 1e3, "", "a", "x" * 1000, "x" * 1001, "3", [], {}, [1],
    2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30, 10**308, 10**309, 1e308, -1e308,
    5e-324, 17, 18, 85, 86, 0.5,
]  # fmt: skip
FIELDS = [
    Field("f", kind, required=required, **limits)
    for required in (True, False)
    for kind, limits in [
        ("integer", {}),
        ("integer", {"ge": 18, "le": 85}),
        ("integer", {"gt": 0}),
        ("integer", {"ge": -1e300, "lt": 1e300}),
        ("integer", {"ge": 0.5, "lt": 3.5}),
        ("integer", {"categories": (1, 3)}),
        ("number", {}),
        ("number", {"ge": 0}),
        ("number", {"gt": 0, "lt": 18}),
        ("number", {"le": 3}),
        ("category", {}),
        ("category", {"categories": ("a", "3")}),
        ("category", {"categories": (1, 3)}),
        ("boolean", {}),
    ]
]


@pytest.mark.parametrize(
    "field", FIELDS, ids=lambda f: f"{f.kind} {f.limits or f.categories or ''} {f.required}"
)
def test_a_field_accepts_what_its_json_schema_does_and_nothing_else(field):
    schema = Schema([field])
    described = Draft202012Validator(schema.json_schema())
    for record in [{}, *({"f": value} for value in VALUES)]:
        try:
            schema.validate(record)
            accepted = True
        except ValueError:
            accepted = False
        assert accepted == described.is_valid(record), record


def generated(running, *options: str) -> None:
    """Let schemathesis look for a request on which the document and the server differ."""
    needed(find_spec("schemathesis") is not None, "schemathesis")
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{running.url}/openapi.json",
        "--checks",
        "all",
    ]
    done = subprocess.run(
        [*command, "--max-examples", str(REQUESTS), "--seed", "1", "--no-color", *options],
        cwd=running.folder,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.reliability
def test_generated_requests_find_no_difference_where_everybody_may_ask(run):
    generated(run(), "--phases", "examples,coverage")


@pytest.mark.reliability
def test_generated_requests_find_no_difference_and_no_way_around_the_keys(run, key_lines, keys):
    everything = ",".join(key_lines).replace(":score:", ":score+metrics+admin:")
    running = run(MOROSIDAD_SERVER_API_KEYS=everything)
    key = ("--header", f"X-API-Key: {keys['score']}")
    generated(running, *key, "--exclude-path", "/admin/ajustes")
    # one server would tell the generator to wait: it leaves the key out in each operation
    generated(run(MOROSIDAD_SERVER_API_KEYS=everything), *key, "--include-path", "/admin/ajustes")
