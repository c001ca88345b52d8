"""Alerts about the parts: decision log, recovery, deadlines, drift, limits, reloads; and other processes'."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from morosidad.asgi.siblings import Share

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

_DRIFT_EVERY = 5
_ELSEWHERE = "@"


class Watch:
    """Looks at the parts once a second and opens, keeps or closes their alerts."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._audit_codes: set[str] = set()
        self._repeated: set[str] = set()
        self._turn = 0
        self._late = 0

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
            book.set(
                "limites",
                failing,
                "warning",
                "No responde el Redis que cuenta las solicitudes: no hay límite",
            )
        late, self._late = service.late - self._late, service.late
        book.set("plazos", late > 0, "warning", f"El modelo no respondió a tiempo a {late} solicitudes")
        failed = service.reloader.failed
        book.set("recarga", failed, "warning", "La última recarga del modelo falló: sigue el anterior")
        self._repeat(service.siblings.exchange(self._share))
        drift = service.scorer.parts.get("drift")
        if drift is not None and self._turn % _DRIFT_EVERY == 0:
            drift.watch(book)
        self._turn += 1

    def _share(self) -> Share:
        service = self._service
        drift = service.scorer.parts.get("drift")
        return Share(
            os.getpid(),
            service.scorer.digest,
            None if service.cache is None else service.cache.stats(),
            None if drift is None else drift.totals(),
            tuple(alert for alert in service.alerts.active if _ELSEWHERE not in alert.code),
        )

    def _repeat(self, shares: Sequence[Share]) -> None:
        """Show the alerts that are open in other processes and not in this one."""
        book = self._service.alerts
        own = {alert.code for alert in book.active if _ELSEWHERE not in alert.code}
        open_now = {
            f"{alert.code}{_ELSEWHERE}{share.process}": alert
            for share in shares
            for alert in share.alerts
            if alert.code not in own
        }
        for code, alert in open_now.items():
            book.set(code, True, alert.level, alert.message)
        for code in self._repeated - open_now.keys():
            book.set(code, False, "info", "")
        self._repeated = set(open_now)
