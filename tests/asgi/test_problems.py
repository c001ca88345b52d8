from __future__ import annotations

import pytest

from morosidad.asgi.problems import CODES, ErrorDocument, Problem, not_routed, problem_of
from morosidad.errors import (
    DeadlineExceeded,
    Escalated,
    FieldError,
    InvalidRecord,
    MorosidadError,
    Overloaded,
    PredictionError,
)

WRONG = FieldError("edad", "obligatorio: falta el valor", "falta")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRecord([WRONG]), "E002"),
        (Overloaded("x"), "E503"),
        (Escalated("x", component="modelo", level="sistema"), "E503"),
        (DeadlineExceeded("x", seconds=5), "E504"),
        (PredictionError("x"), "E500"),
        (MorosidadError("x"), "E500"),
        (ValueError("ingresos 1234"), "E500"),
        (MemoryError(), "E500"),
        (RecursionError(), "E500"),
        (Problem("E401", "x"), "E401"),
    ],
)
def test_every_error_has_its_code_and_status(error, code):
    problem = problem_of(error)
    assert problem.code == code
    assert problem.status == CODES[code].status == int(code[1:] if code > "E1" else 400)


def test_what_is_not_foreseen_says_nothing():
    assert problem_of(ValueError("ingresos 1234")).message == "Error interno del servidor"


def test_an_invalid_record_brings_every_field():
    assert problem_of(InvalidRecord([WRONG, WRONG])).errors == (WRONG, WRONG)


@pytest.mark.parametrize(
    ("wait", "told"), [(None, None), (0.01, b"1"), (1.0, b"1"), (1.2, b"2"), (59.5, b"60")]
)
def test_how_long_to_wait_is_told_in_whole_seconds(wait, told):
    headers = dict(problem_of(DeadlineExceeded("x", seconds=1, retry_after=wait)).headers)
    assert headers.get(b"retry-after") == told


def test_an_overload_always_tells_how_long_to_wait():
    assert dict(problem_of(Overloaded("x", retry_after=None)).headers)[b"retry-after"] == b"1"
    escalated = Escalated("x", component="modelo", level="sistema")
    assert dict(problem_of(escalated).headers)[b"retry-after"] == b"1"


def test_what_the_router_says_is_translated():
    problem = not_routed(405, {"Allow": "POST", "X": "y"})
    assert (problem.code, problem.headers) == ("E405", [(b"allow", b"POST")])
    assert not_routed(405, None).headers == []
    assert not_routed(404, None).code == not_routed(400, {}).code == "E404"


def test_the_error_document_leaves_out_what_is_not_there():
    import msgspec

    plain = ErrorDocument(error="e", codigo="E404", tiempo_procesamiento=0.5, request_id="r")
    assert msgspec.to_builtins(plain).keys() == {"error", "codigo", "tiempo_procesamiento", "request_id"}
