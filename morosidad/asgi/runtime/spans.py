"""OpenTelemetry spans of requests, where that library is installed and set up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

_nothing: AbstractContextManager[None] = nullcontext()
_CONTEXT = (b"traceparent", b"tracestate")


class Span:
    """The span of one request."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def answered(self, status: int) -> None:
        """Note the answer; only what the server could not do is an error."""
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(StatusCode.ERROR)


class Spans:
    """Opens a span for each request; costs nothing when OpenTelemetry is not set up.

    A tracer provider that is set before the application is made counts.
    """

    def __init__(self) -> None:
        self._tracer = _find_tracer()

    @property
    def active(self) -> bool:
        """Whether anything listens."""
        return self._tracer is not None

    def span(
        self, method: str, route: str, headers: dict[bytes, bytes]
    ) -> AbstractContextManager[Span | None]:
        """Give the span of a request, in the trace that it belongs to.

        It names the method, the route and the status, and holds no value; no exception's text either.
        """
        return _nothing if self._tracer is None else self._open(method, route, headers)

    @contextmanager
    def _open(self, method: str, route: str, headers: dict[bytes, bytes]) -> Iterator[Span]:
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        carrier = {name.decode(): headers[name].decode("latin-1") for name in _CONTEXT if name in headers}
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            context=extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "http.route": route},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield Span(span)


def _find_tracer() -> Any:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    provider = trace.get_tracer_provider()
    if type(provider).__name__ in ("ProxyTracerProvider", "NoOpTracerProvider"):
        return None
    return trace.get_tracer("morosidad")
