"""Alerts about the parts: decision log, recovery, drift, limits, reloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

_DRIFT_EVERY = 5


class Watch:
    """Looks at the parts once a second and opens, keeps or closes their alerts."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._audit_codes: set[str] = set()
        self._turn = 0

    def look(self) -> None:
        """Look once."""
        service, book = self._service, self._service.alerts
        if service.audit is not None:
            open_now = {alert.code: alert for alert in service.audit.alerts()}
            for code in self._audit_codes | open_now.keys():
                alert = open_now.get(code)
                level, message = (alert.level, alert.message) if alert else ("info", "")
                book.set(f"registro:{code}", alert is not None, level, message)
            self._audit_codes |= open_now.keys()
        if service.recovery is not None:
            calm = service.recovery.calm
            book.set("recuperacion", not calm, "warning", "El modelo falla: la recuperación está en marcha")
        if service.limiter is not None:
            failing = service.limiter.failing
            book.set("limites", failing, "warning", "El límite de solicitudes no funciona: no hay almacén")
        failed = service.reloader.failed
        book.set("recarga", failed, "warning", "La última recarga del modelo falló: sigue el anterior")
        drift = service.scorer.parts.get("drift")
        if drift is not None and self._turn % _DRIFT_EVERY == 0:
            drift.watch(book)
        self._turn += 1
