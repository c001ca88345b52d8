"""OpenTelemetry spans, where that library is installed and something listens."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

_nothing = nullcontext()


class Spans:
    """Opens a span for each request; costs nothing when OpenTelemetry is not set up."""

    def __init__(self) -> None:
        self._tracer = _find_tracer()

    @property
    def active(self) -> bool:
        """Whether anything listens."""
        return self._tracer is not None

    def span(self, method: str, route: str) -> AbstractContextManager[Any]:
        """Give the span of a request; it names the route and the method, and holds no value."""
        if self._tracer is None:
            return _nothing
        return self._tracer.start_as_current_span(  # type: ignore[no-any-return]
            f"{method} {route}", attributes={"http.request.method": method, "http.route": route}
        )


def _find_tracer() -> Any:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    provider = trace.get_tracer_provider()
    if type(provider).__name__ in ("ProxyTracerProvider", "NoOpTracerProvider"):
        return None
    return trace.get_tracer("morosidad")
