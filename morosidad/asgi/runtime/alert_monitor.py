"""Monitoring of the service's parts: their alerts open and close, here and in the other processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from morosidad.alerts import (
    FIGURES_NOT_SHARED,
    LATE_ANSWERS,
    LOG_PREFIX,
    RATE_STORAGE_DOWN,
    RECOVERING,
    REFUSALS,
    RELOAD_FAILED,
    WRONG_KEYS,
    AlertBook,
)
from morosidad.asgi.guards.connections import ConnectionLimits
from morosidad.asgi.guards.failed_keys import FailedKeys
from morosidad.asgi.guards.rates import RateLimiter
from morosidad.asgi.runtime.reloading import Reloader
from morosidad.asgi.runtime.worker_processes import (
    ProcessReport,
    WorkerProcesses,
    code_elsewhere,
    is_elsewhere,
    shared_tier_of,
)
from morosidad.scoring.scorer import Scorer

_DRIFT_EVERY = 5
_MOST_REPEATED = 50
_DECISIONS = ("/predecir", "/predecir/lote")
_REFUSED = (("E503", REFUSALS), ("E504", LATE_ANSWERS))


class AlertMonitor:
    """Looks at the parts once a second and opens, keeps or closes their alerts.

    Parameters
    ----------
    scorer : Scorer
        Whose parts are looked at.
    alerts : AlertBook
        Where alerts open and close.
    reloader : Reloader
        Knows whether the last reload failed.
    processes : WorkerProcesses
        The other processes, which are told of this one.
    limiter : callable
        Gives the `RateLimiter` in place, which knows whether its storage fails; None where there is none.
    refused : mapping
        How many requests were refused, by route and code; who serves them counts.
    failed_keys : FailedKeys
        Knows how many were told to wait for their wrong keys.
    connections : ConnectionLimits
        Knows how many are open.
    """

    def __init__(
        self,
        scorer: Scorer,
        alerts: AlertBook,
        reloader: Reloader,
        processes: WorkerProcesses,
        limiter: Callable[[], RateLimiter | None],
        refused: Mapping[tuple[str, str], int],
        failed_keys: FailedKeys,
        connections: ConnectionLimits,
    ) -> None:
        self._scorer = scorer
        self._alerts = alerts
        self._reloader = reloader
        self._processes = processes
        self._limiter = limiter
        self._refused = refused
        self._failed_keys = failed_keys
        self._connections = connections
        self._throttled_before = 0
        self._refused_before: dict[str, int] = {}
        self._audit_codes: set[str] = set()
        self._repeated: set[str] = set()
        self._turn = 0

    def check(self) -> None:
        """Look at every part once."""
        book, parts = self._alerts, self._scorer.parts
        recovery, drift = parts.get("recovery"), parts.get("drift")
        self._check_audit_log()
        if recovery is not None:
            book.report(RECOVERING, not recovery.healthy)
        limiter = self._limiter()
        book.report(RATE_STORAGE_DOWN, limiter is not None and limiter.failing)
        for code, alert in _REFUSED:
            number = self._newly_refused(code)
            book.report(alert, number > 0, number=number)
        throttled = self._failed_keys.throttled
        number, self._throttled_before = throttled - self._throttled_before, throttled
        book.report(WRONG_KEYS, number > 0, number=number)
        book.report(RELOAD_FAILED, self._reloader.failed)
        others = self._processes.exchange(self._share)
        if self._processes.servers is not None:
            book.report(FIGURES_NOT_SHARED, self._processes.servers.failing)
        self._repeat(others)
        self._reloader.hear({share.place: share.reloaded for share in self._processes.elsewhere})
        if drift is not None and self._turn % _DRIFT_EVERY == 0:
            drift.watch(book)
        self._turn += 1

    def _newly_refused(self, code: str) -> int:
        """Count the decisions that were refused with a code since the last look."""
        total = sum(self._refused.get((route, code), 0) for route in _DECISIONS)
        before, self._refused_before[code] = self._refused_before.get(code, 0), total
        return total - before

    def _check_audit_log(self) -> None:
        """Take over the decision log's own alerts."""
        audit = self._scorer.parts.get("audit")
        if audit is None:
            return
        open_now = {alert.code: alert for alert in audit.alerts()}
        for code in self._audit_codes | open_now.keys():
            alert = open_now.get(code)
            level, message = (alert.level, alert.message) if alert else ("info", "")
            self._alerts.set(f"{LOG_PREFIX}{code}", alert is not None, level, message)
        self._audit_codes |= open_now.keys()

    def _share(self) -> ProcessReport:
        cache: Any = self._scorer.parts.get("cache")
        drift = self._scorer.parts.get("drift")
        audit = self._scorer.parts.get("audit")
        return ProcessReport(
            os.getpid(),
            self._scorer.digest,
            None if cache is None else cache.stats(),
            None if drift is None else drift.totals(),
            tuple(alert for alert in self._alerts.active if not is_elsewhere(alert.code)),
            None if audit is None else audit.stats(),
            tuple((route, code, number) for (route, code), number in list(self._refused.items())),
            connections=len(self._connections),
            throttled=self._failed_keys.throttled,
            shared_tier=shared_tier_of(cache),
            reloaded=self._reloader.announced,
        )

    def _repeat(self, shares: Sequence[ProcessReport]) -> None:
        """Show the alerts that are open in other processes and not in this one."""
        book = self._alerts
        own = {alert.code for alert in book.active if not is_elsewhere(alert.code)}
        open_now = {
            code_elsewhere(alert.code, share.place): alert
            for share in shares
            for alert in share.alerts[:_MOST_REPEATED]
            if alert.code not in own
        }
        for code, alert in open_now.items():
            book.set(code, True, alert.level, alert.message)
        for code in self._repeated - open_now.keys():
            book.set(code, False, "info", "")
        self._repeated = set(open_now)
