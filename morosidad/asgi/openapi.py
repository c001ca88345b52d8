"""The OpenAPI 3.1 document, made from the route table and the schema in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from morosidad._version import __version__
from morosidad.asgi.adjusting.adjuster import Adjusted, ShownSettings
from morosidad.asgi.endpoints.call import Call, Reply
from morosidad.asgi.endpoints.operations import Alive, Readiness, Version
from morosidad.asgi.endpoints.predictions import RecordProblem, Validation, WouldChange
from morosidad.asgi.endpoints.route import Content, Route, Samples
from morosidad.asgi.guards.questions import MOST_ANSWERS, MOST_CHANGES, MOST_LEVELS, is_numeric
from morosidad.asgi.pages.examples import examples
from morosidad.asgi.pages.panel import Panel
from morosidad.asgi.problems import CODES, ErrorDocument
from morosidad.asgi.runtime.parts import without_parts
from morosidad.asgi.runtime.reloading import Reloaded
from morosidad.kpis import KPIReport
from morosidad.kpis.live import LiveDocument
from morosidad.languages import Language, say
from morosidad.policy.decision import Decision
from morosidad.schema.schema import Schema
from morosidad.scoring.scorer import Scorer
from morosidad.settings import Settings

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

_TYPES: list[Any] = [
    Decision,
    RecordProblem,
    Validation,
    WouldChange,
    ErrorDocument,
    LiveDocument,
    KPIReport,
    Alive,
    Readiness,
    Version,
    Reloaded,
    Adjusted,
    ShownSettings,
    Panel,
]
_REF = "#/components/schemas/{name}"
_OPTIONAL = ("valor", "tipo")  # written where the policy shows values, and where a rule is the reason
_ID: dict[str, Any] = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}
_ID_EXAMPLE = "solicitud-1"
_ID_HEADER = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
_WAIT_HEADER = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
_SECONDS: dict[str, Any] = {"type": "number", "minimum": 0}
_ANYTHING: dict[str, Any] = {}


_Teller = Callable[..., str]


class Description:
    """``GET /openapi.json``: made when it is first asked for, and anew when the model or settings change.

    Parameters
    ----------
    service : Service
        Whose scorer and settings it describes.
    routes : sequence of Route
        What is served.
    """

    def __init__(self, service: Service, routes: Sequence[Route]) -> None:
        self._service = service
        self._routes = routes
        self._made: tuple[tuple[str, str, Settings | None], bytes] = (("", "", None), b"")

    async def __call__(self, call: Call) -> Reply:
        """Answer with the document."""
        scorer = self._service.scorer
        settings, routes = self._service.settings, self._routes
        wanted = (scorer.digest, call.scope.get("root_path", ""), settings)
        if self._made[0] != wanted:
            document = await self._service.background.run(describe, scorer, settings, routes, wanted[1])
            self._made = (wanted, msgspec.json.encode(document))
        return Reply(self._made[1])


def describe(scorer: Scorer, settings: Settings, routes: Sequence[Route], root: str = "") -> dict[str, Any]:
    """Describe a server as OpenAPI 3.1.

    Parameters
    ----------
    scorer : Scorer
        Whose schema a record must fit.
    settings : Settings
        Limits, and whether keys are needed.
    routes : sequence of Route
        What is served.
    root : str
        The path under which a proxy serves the application.

    Returns
    -------
    dict
        The document. Its examples are applicants that the schema accepts and this model's own answers.
    """
    told = partial(_told, scorer.language)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {"title": scorer.model.partition("@")[0], "version": scorer.model.partition("@")[2]}
        | {"description": told("about", version=__version__)},
        "paths": {},
        "components": {
            "schemas": _schemas(scorer),
            "headers": _headers(told),
            "parameters": _parameters(told),
        },
    }
    if root:
        document["servers"] = [{"url": root}]
    if settings.server_api_keys:
        document["components"]["securitySchemes"] = {
            "clave": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "portador": {"type": "http", "scheme": "bearer"},
        }
    samples = _samples(scorer, settings)
    for route in routes:
        path = document["paths"].setdefault(route.path, {})
        path[route.method.lower()] = _operation(route, settings, samples, told)
    return document


def _told(language: Language, text: str, **values: object) -> str:
    return say(language, f"server.{text}", **values)


def _samples(scorer: Scorer, settings: Settings) -> Samples:
    applicants = examples(scorer.schema, scorer.drift_reference)
    plain = without_parts(scorer)
    decided = [msgspec.to_builtins(plain.score_one(record)) for record in applicants]
    mutable = [field.name for field in scorer.schema.fields if not field.protected]
    return Samples(applicants, decided, settings.server_batch_size, mutable, len(scorer.schema))


def _operation(route: Route, settings: Settings, samples: Samples, told: _Teller) -> dict[str, Any]:
    """Describe a route, with the errors that its scope and its body bring."""
    operation = route.operation
    out: dict[str, Any] = {"operationId": operation.name, "summary": told(operation.name)}
    codes: list[str] = ["E500", *operation.codes]
    keyed = bool(settings.server_api_keys)
    if route.scope is not None:
        out["parameters"] = [{"$ref": "#/components/parameters/X-Request-ID"}]
        codes += ["E001", "E403", *(["E401"] if keyed else [])]
        codes += ["E429"] if settings.rate_limit_enabled else []
        if keyed:
            out["security"] = [{"clave": [route.scope]}, {"portador": [route.scope]}]
    elif not keyed and not settings.server_anonymous:
        codes.append("E403")
    if operation.body is not None:
        out["requestBody"] = {"content": operation.body(samples), "required": route.scope != "admin"}
        codes.append("E413")
    answers = {"200": _answer(operation.answer(samples), told("all_well"))}
    if operation.unready is not None:
        answers["503"] = _answer(operation.unready(samples), told("no_work"))
    return out | {"responses": dict(sorted((_errors(codes, told) | answers).items()))}


def _errors(codes: list[str], told: _Teller) -> dict[str, Any]:
    """Describe the error documents of some codes by status."""
    by_status: dict[str, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(str(CODES[code].status), []).append(code)
    found = {}
    for status, same in by_status.items():
        one = {"allOf": [_ref(ErrorDocument), {"properties": {"codigo": {"enum": same}}}]}
        words = "; ".join(f"{code}: {told(code)}" for code in same)
        found[status] = _answer(_json(one), words, _WAIT_HEADER if status in ("429", "503") else {})
    return found


def _schemas(scorer: Scorer) -> dict[str, Any]:
    """Describe the documents: those that the types of the code are, and those that the model brings."""
    _, found = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    partial = {kind.__name__ for kind in _TYPES if kind.__struct_config__.omit_defaults}
    for name, schema in found.items():
        schema.pop("description", None)
        schema["additionalProperties"] = False
        if name not in partial:
            schema["required"] = [name for name in schema["properties"] if name not in _OPTIONAL]
    decision = found[Decision.__name__]
    found["Respuesta"] = decision | {
        "title": "Respuesta",
        "properties": {**decision["properties"], "request_id": _ID, "tiempo_procesamiento": _SECONDS},
        "required": [*decision["required"], "tiempo_procesamiento"],
    }
    found["Cambiables"] = _limits_of(scorer.schema)
    found["Registro"] = {"description": _told(scorer.language, "aliases"), **scorer.schema.json_schema()}
    return found


def _limits_of(schema: Schema) -> dict[str, Any]:
    """Describe the limits of the fields that may be changed, by their names."""
    end = {"type": ["number", "null"]}
    numbers = {"type": "array", "prefixItems": [end, end], "items": False, "minItems": 2}
    kinds: dict[str, list[str]] = {"boolean": ["boolean"]}
    return {
        "type": "object",
        "properties": {
            field.name: numbers
            if is_numeric(field)
            else {
                "type": "array",
                "items": {"type": kinds.get(field.kind, ["string", "number"])},
                "maxItems": MOST_LEVELS,
            }
            for field in schema.fields
            if not field.protected
        },
        "additionalProperties": False,
    }


def _parameters(told: _Teller) -> dict[str, Any]:
    words = told("request_id")
    name = "X-Request-ID"
    return {name: {"name": name, "in": "header", "description": words, "schema": _ID, "example": _ID_EXAMPLE}}


def _headers(told: _Teller) -> dict[str, Any]:
    return {
        "X-Request-ID": {"description": told("request_id_back"), "required": True, "schema": _ID},
        "Retry-After": {
            "description": told("retry_after"),
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
    }


def _envelope(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "datos": record,
            "timestamp_cliente": {"type": ["number", "null"]},
            "session_id": {"type": ["string", "null"]},
        },
        "required": ["datos"],
        "additionalProperties": False,
    }


def _answer(content: dict[str, Any], words: str, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": words, "headers": _ID_HEADER | (headers or {}), "content": content}


def _json(schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    return {"application/json": {"schema": schema, **shown}}


def _schema(name: str) -> dict[str, Any]:
    return {"$ref": _REF.format(name=name)}


def _ref(kind: type) -> dict[str, Any]:
    return _schema(kind.__name__)


# -- what requests and answers hold -------------------------------------------------------------------


def struct(kind: type, example: Any = None) -> Content:
    """Describe a document of one of the code's types, with an example or without."""
    return lambda _: _json(_ref(kind), example)


def text(media_type: str) -> Content:
    """Describe a text."""
    return lambda _: {media_type: {"schema": {"type": "string"}}}


def any_object(_: Samples) -> dict[str, Any]:
    """Describe a JSON object of any kind."""
    return _json({"type": "object"})


def nothing(_: Samples) -> dict[str, Any]:
    """Describe an object without members."""
    return _json({"type": "object", "maxProperties": 0}, {})


def applicant(samples: Samples) -> dict[str, Any]:
    """Describe the request for one decision."""
    return _json(_envelope(_schema("Registro")), _request(samples))


def any_applicant(samples: Samples) -> dict[str, Any]:
    """Describe the request to check a record, which may be wrong."""
    return _json(_envelope({"type": "object"}), _request(samples))


def decision(samples: Samples) -> dict[str, Any]:
    """Describe one decision."""
    shown = {**samples.decisions[0], "request_id": _ID_EXAMPLE, "tiempo_procesamiento": 0.00005}
    return _json(_schema("Respuesta"), shown)


def question(samples: Samples) -> dict[str, Any]:
    """Describe the request for what would change a decision."""
    envelope = _envelope(_schema("Registro"))
    envelope["properties"] |= {
        "modificables": {"type": ["array", "null"], "items": {"enum": samples.mutable}}
        | {"maxItems": samples.fields},
        "limites": {"anyOf": [_schema("Cambiables"), {"type": "null"}]},
        "cuantas": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_ANSWERS},
        "cambios_maximos": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_CHANGES},
    }
    shown = {"modificables": samples.mutable[:3], "limites": {}, "cuantas": 3, "cambios_maximos": 2}
    return _json(envelope, {"datos": samples.applicants[0], **shown})


def batch(samples: Samples) -> dict[str, Any]:
    """Describe the request for many decisions."""
    return _json({"type": "array", "items": _ANYTHING, "maxItems": samples.batch_size}, samples.applicants)


def decisions(samples: Samples) -> dict[str, Any]:
    """Describe many decisions, in the order of their records."""
    shown = [{**one, "request_id": f"{_ID_EXAMPLE}.{i}"} for i, one in enumerate(samples.decisions)]
    return _json({"type": "array", "items": {"anyOf": [_ref(Decision), _ref(RecordProblem)]}}, shown)


def _request(samples: Samples) -> dict[str, Any]:
    return {"datos": samples.applicants[0], "timestamp_cliente": 1234.5, "session_id": "sesion-1"}
