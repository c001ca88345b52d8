"""Exchange between the worker processes of a server: cache, drift, alerts, log and refusals.

Each writes a small file beside the shared one, once a second, and reads those of the others. A file that
has not been written for a while is that of a process that is gone.
"""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from morosidad.alerts import Alert
from morosidad.audit import AuditStats
from morosidad.cache.stats import CacheStats
from morosidad.processes.paths import absolute

if TYPE_CHECKING:
    from morosidad.monitoring.drift import DriftMonitor, DriftReport

_FRESH = 10.0
_FORGOTTEN = 60.0
_ELSEWHERE = "@"


class SharedTier(msgspec.Struct, frozen=True):
    """How the tier of a cache that servers share stands, as one process sees it.

    Attributes
    ----------
    available : bool
        Whether it answered when it was last asked.
    failures : int
        Calls that did not get through.
    rejected : int
        Entries that were there and could not be used.
    """

    available: bool
    failures: int
    rejected: int


class ProcessReport(msgspec.Struct, frozen=True):
    """What one process tells.

    Attributes
    ----------
    process : int
        Its id.
    model : str
        Digest of the model in its place.
    cache : CacheStats or None
        What its cache has done.
    drift : tuple of (int, list of int), or None
        Records that its drift monitor looked at, and their counts.
    alerts : tuple of Alert
        The alerts that are open in it.
    log : AuditStats or None
        How its decision log stands.
    refused : tuple of (str, str, int)
        Routes, codes, and how many requests were refused.
    connections : int
        How many are open.
    throttled : int
        Requests with a wrong key that were told to wait.
    shared_tier : SharedTier or None
        How the shared tier of its cache stands; None where it has none.
    """

    process: int
    model: str
    cache: CacheStats | None
    drift: tuple[int, list[int]] | None
    alerts: tuple[Alert, ...]
    log: AuditStats | None = None
    refused: tuple[tuple[str, str, int], ...] = ()
    connections: int = 0
    throttled: int = 0
    shared_tier: SharedTier | None = None


class WorkerProcesses:
    """The other processes of this server.

    Parameters
    ----------
    shared : str or None
        The file that the processes share; None when there is only this one.
    now : callable
        Gives the time in seconds since 1970.
    """

    def __init__(self, shared: str | None, now: Callable[[], float] = time.time) -> None:
        self._stem = None if shared is None else absolute(f"{shared}.proceso-")
        self._now = now
        self.latest: tuple[ProcessReport, ...] = ()

    def exchange(self, share: Callable[[], ProcessReport]) -> tuple[ProcessReport, ...]:
        """Tell the others, and hear what they told last; nothing happens without others."""
        if self._stem is not None:
            with contextlib.suppress(OSError):  # who can't be told is shown the figures of one process
                self._tell(self._stem, share())
            self.latest = tuple(self._hear(self._stem))
        return self.latest

    def leave(self) -> None:
        """Take back what was told."""
        if self._stem is not None:
            self._file(self._stem).unlink(missing_ok=True)

    def _file(self, stem: Path) -> Path:
        return stem.with_name(f"{stem.name}{os.getpid()}")

    def _tell(self, stem: Path, share: ProcessReport) -> None:
        file = self._file(stem)
        new = file.with_name(f"{file.name}.nuevo")
        new.write_bytes(msgspec.json.encode(share))
        os.replace(new, file)

    def _hear(self, stem: Path) -> list[ProcessReport]:
        found = []
        for path in sorted(stem.parent.glob(f"{glob.escape(stem.name)}*")):
            if path == self._file(stem):
                continue
            with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError):
                age = self._now() - path.stat().st_mtime
                if age > _FORGOTTEN:
                    path.unlink()
                elif age <= _FRESH and path.suffix != ".nuevo":
                    found.append(msgspec.json.decode(path.read_bytes(), type=ProcessReport))
        return found


def code_elsewhere(code: str, process: int) -> str:
    """Give the code under which an alert of another process stands."""
    return f"{code}{_ELSEWHERE}{process}"


def is_elsewhere(code: str) -> bool:
    """Tell whether an alert is that of another process."""
    return _ELSEWHERE in code


def base_code(code: str) -> str:
    """Give the code of an alert in the process that opened it."""
    return code.partition(_ELSEWHERE)[0]


def all_cache_stats(own: CacheStats | None, shares: Sequence[ProcessReport]) -> CacheStats | None:
    """Add up what the caches of all processes have done."""
    every = [stats for stats in (own, *(share.cache for share in shares)) if stats is not None]
    if not every:
        return None
    names = CacheStats.__struct_fields__
    return CacheStats(**{name: sum(getattr(stats, name) for stats in every) for name in names})


def shared_tier_of(cache: object) -> SharedTier | None:
    """Tell how the tier of a cache stands that servers share; None where it has none."""
    from morosidad.cache import RedisTier

    store = getattr(cache, "store", None)
    if not isinstance(store, RedisTier):
        return None
    return SharedTier(store.available, store.failures, store.rejected)


def all_drift(own: DriftMonitor | None, model: str, shares: Sequence[ProcessReport]) -> DriftReport | None:
    """Report on the records of all processes that answer with the same model."""
    if own is None:
        return None
    others = [share.drift for share in shares if share.drift is not None and share.model == model]
    if not others:
        return own.report()
    whole = own.renewed(own.reference)
    for records, counts in (own.totals(), *others):
        whole.add(records, counts)
    return whole.report()
