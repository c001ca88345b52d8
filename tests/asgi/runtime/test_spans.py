from __future__ import annotations

import builtins

import pytest

from morosidad.asgi.runtime.spans import Spans

SENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def finished(monkeypatch):
    """Set OpenTelemetry up, for this test alone; give the spans that have ended."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter.get_finished_spans


def test_each_request_has_a_span_in_the_trace_that_it_belongs_to(finished, serve, applicant):
    client = serve()
    client.post("/predecir", json={"datos": applicant}, headers={"traceparent": SENT})
    client.get("/salud/viva")
    first, second = finished()
    assert (first.name, first.kind.name, first.status.status_code.name) == (
        "POST /predecir",
        "SERVER",
        "UNSET",
    )
    assert dict(first.attributes) == {
        "http.request.method": "POST",
        "http.route": "/predecir",
        "http.response.status_code": 200,
    }
    assert f"{first.context.trace_id:032x}" == SENT.split("-")[1]
    assert f"{first.parent.span_id:016x}" == SENT.split("-")[2]
    assert (second.name, second.parent) == ("GET /salud/viva", None)


def test_what_fails_is_marked_and_no_text_of_an_error_is_kept(finished, serve, applicant, monkeypatch):
    async def score(*_):
        raise ValueError("ingresos 7654321")

    client = serve()
    client.post("/predecir", json={"datos": {"edad": 4242}})
    monkeypatch.setattr(client.app.state.service, "score", score)
    client.post("/predecir", json={"datos": applicant})
    invalid, failed = finished()
    assert (invalid.attributes["http.response.status_code"], invalid.status.status_code.name) == (
        400,
        "UNSET",
    )
    assert failed.status.status_code.name == "ERROR"
    assert failed.attributes["error.type"] == "500"
    assert failed.events == invalid.events == ()
    assert "7654321" not in failed.to_json()


def test_a_library_that_nobody_has_set_up_costs_nothing(monkeypatch):
    pytest.importorskip("opentelemetry")
    from opentelemetry import trace

    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    with Spans().span("GET", "/", {}) as span:
        assert span is None


def test_without_the_library_there_are_no_spans(monkeypatch):
    real = builtins.__import__

    def missing(name, *arguments, **options):
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with Spans().span("GET", "/", {}) as span:
        assert span is None
