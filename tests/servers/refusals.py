"""What every error document must be."""

from __future__ import annotations

from morosidad.asgi.problems import CODES


def assert_refused(answer, code):
    """Check an error document, its status and its headers."""
    document = answer.json()
    assert (answer.status_code, document["codigo"]) == (CODES[code].status, code)
    assert document.keys() - {"errores"} == {"error", "codigo", "tiempo_procesamiento", "request_id"}
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["tiempo_procesamiento"] >= 0
    assert_safe(answer)
    return document


def assert_safe(answer):
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers
