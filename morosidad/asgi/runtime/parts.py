"""The parts of a served scorer, made from the settings where it has none of its own."""

from __future__ import annotations

import hashlib
import secrets
import socket
from typing import TYPE_CHECKING

from morosidad.errors import SettingsError
from morosidad.kpis import KPITracker, Thresholds
from morosidad.languages import Language
from morosidad.policy.decision import Decision
from morosidad.processes.paths import absolute
from morosidad.scoring.parts import Parts
from morosidad.scoring.scorer import Scorer
from morosidad.settings import Settings
from morosidad.settings.setting_types import REDIS_ADDRESS

if TYPE_CHECKING:
    from morosidad.audit import AuditLog
    from morosidad.cache import RedisTier, TieredCache
    from morosidad.kpis.server_sharing import ServerSharing
    from morosidad.monitoring.drift import DriftMonitor


def complete_parts(scorer: Scorer, settings: Settings, language: Language) -> Scorer:
    """Give a scorer of the same model and of a language with every part: its own, else one from settings."""
    own = scorer.parts
    made: Parts = {"language": language}
    if own.get("kpis") is None:
        made["kpis"] = _kpis(settings)
    if own.get("cache") is None and settings.cache_enabled:
        made["cache"], made["cache_auto"] = _cache(settings), True
    if own.get("audit") is None and settings.audit_file is not None:
        made["audit"] = _audit(settings, settings.audit_file, language)
    if own.get("drift") is None:
        made["drift"] = _drift(scorer)
    if own.get("recovery") is None:
        from morosidad.recovery import RecoveryPolicy

        made["recovery"] = RecoveryPolicy(deadline=settings.timeout_prediction)
    return scorer.with_parts(**made)


def share_figures(kpis: KPITracker, settings: Settings, model: str) -> ServerSharing | None:
    """Make what tells other servers of the same model the key figures; None where there are none to tell."""
    if settings.kpi_sharing is None:
        return None
    from morosidad.kpis.server_sharing import ServerSharing

    secret = None if settings.cache_key is None else settings.cache_key.encode()
    # a port may be that of another server too; what the processes of one have in common is the file
    whole = secrets.token_hex(8) if settings.kpi_file is None else str(absolute(settings.kpi_file))
    mark = hashlib.blake2b(whole.encode(), digest_size=4).hexdigest()
    server = f"{socket.gethostname()}:{settings.server_port} {mark}"
    try:
        return ServerSharing.from_url(kpis, settings.kpi_sharing, server=server, scope=model, secret=secret)
    except ValueError:  # its text may hold the password that stands in the address
        raise SettingsError([f"kpi_sharing: expected {REDIS_ADDRESS}"]) from None


def without_parts(scorer: Scorer) -> Scorer:
    """Give a scorer of the same model that caches, counts and logs nothing, and is never reloaded."""
    return scorer.with_parts(cache=None, cache_auto=False, kpis=None, recovery=None, audit=None, drift=None)


def _kpis(settings: Settings) -> KPITracker:
    thresholds = Thresholds(
        mean_seconds=settings.alert_latency,
        memory_percent=settings.memory_limit_percent,
        cpu_percent=settings.cpu_limit_percent,
        cache_hit_rate=settings.alert_cache_hit_percent / 100,
    )
    return KPITracker(
        zone=settings.kpi_zone,
        thresholds=thresholds,
        shared=settings.kpi_file,
        processes=max(16, 2 * settings.server_processes),
    )


def _cache(settings: Settings) -> TieredCache[object, object]:
    from morosidad.cache import TieredCache

    second: RedisTier[object] | int = settings.cache_l2_size
    if settings.cache_storage is not None:
        from morosidad.cache import RedisTier

        secret = None if settings.cache_key is None else settings.cache_key.encode()
        try:
            second = RedisTier.from_url(settings.cache_storage, type=Decision, secret=secret)
        except ValueError:  # its text may hold the password that stands in the address
            raise SettingsError([f"cache_storage: expected {REDIS_ADDRESS}"]) from None
    return TieredCache(settings.cache_l1_size, second, settings.cache_ttl_seconds)


def _audit(settings: Settings, path: str, language: Language) -> AuditLog:
    from morosidad.audit import AuditLog

    return AuditLog(
        path,
        values=settings.audit_values,
        key=settings.audit_key,
        durable=settings.audit_durable,
        encode_in_caller=not settings.audit_durable,
        buffer_size=settings.log_buffer_size,
        flush_interval=settings.log_flush_interval,
        rotation_size=settings.log_rotation_size if settings.log_rotation else None,
        keep_files=settings.audit_keep_files,
        keep_days=settings.audit_keep_days,
        compress=settings.audit_compress,
        erasure=settings.audit_erasure,
        anchor=settings.audit_anchor,
        anchor_interval=settings.audit_anchor_interval,
        on_full=settings.audit_on_full,
        timeout=settings.timeout_logging,
        language=language,
        wait_limit=settings.timeout_logging,
    )


def _drift(scorer: Scorer) -> DriftMonitor | None:
    if scorer.drift_reference is None:
        return None
    from morosidad.monitoring.drift import DriftMonitor

    return DriftMonitor(scorer.drift_reference)
