"""Exchange between the processes of a server, and between servers: cache, drift, alerts, log, refusals.

Each process writes a small file beside the shared one, once a second, and reads those of the others. A file
that has not been written for a while is that of a process that is gone. Servers tell each other the same over
Redis, beside their key figures.
"""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from morosidad.alerts import Alert
from morosidad.audit import AuditStats
from morosidad.cache.stats import CacheStats
from morosidad.processes.paths import absolute
from morosidad.processes.private_files import replace_private

if TYPE_CHECKING:
    from morosidad.kpis.server_sharing import ServerSharing
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
    server : str
        The name of its server, where that is another one; empty for a process of this server.
    reloaded : str
        What tells the model with its policy that an operator reloaded there last; empty where nobody has.
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
    server: str = ""
    reloaded: str = ""

    @property
    def place(self) -> str:
        """Its server and its process."""
        return f"{self.server}/{self.process}" if self.server else str(self.process)


class WorkerProcesses:
    """The other processes of this server, and those of other servers.

    Parameters
    ----------
    shared : str or None
        The file that the processes share; None when there is only this one.
    now : callable
        Gives the time in seconds since 1970.
    servers : ServerSharing, optional
        What tells other servers the same.

    Attributes
    ----------
    latest, elsewhere : tuple of ProcessReport
        What the other processes of this server, and those of other servers, told last.
    servers : ServerSharing or None
        As given.
    """

    def __init__(
        self,
        shared: str | None,
        now: Callable[[], float] = time.time,
        servers: ServerSharing | None = None,
    ) -> None:
        self._stem = None if shared is None else absolute(f"{shared}.proceso-")
        self._now = now
        self.servers: ServerSharing | None = servers
        self.latest: tuple[ProcessReport, ...] = ()
        self.elsewhere: tuple[ProcessReport, ...] = ()

    @property
    def everywhere(self) -> tuple[ProcessReport, ...]:
        """What every other process told last."""
        return self.latest + self.elsewhere

    def exchange(self, share: Callable[[], ProcessReport]) -> tuple[ProcessReport, ...]:
        """Tell the others, and hear what they told last; nothing happens without others."""
        if self._stem is not None:
            with contextlib.suppress(OSError):  # who can't be told is shown the figures of one process
                self._tell(self._stem, share())
            self.latest = tuple(self._hear(self._stem))
        if self.servers is not None:
            self.elsewhere = tuple(self._hear_servers(self.servers, share()))
        return self.everywhere

    def leave(self) -> None:
        """Take back what was told; servers hear no more of this one."""
        if self._stem is not None:
            self._file(self._stem).unlink(missing_ok=True)
        if self.servers is not None:
            self.servers.close()

    def _file(self, stem: Path) -> Path:
        return stem.with_name(f"{stem.name}{os.getpid()}")

    def _tell(self, stem: Path, share: ProcessReport) -> None:
        replace_private(self._file(stem), msgspec.json.encode(share))

    @staticmethod
    def _hear_servers(servers: ServerSharing, told: ProcessReport) -> Iterator[ProcessReport]:
        for other in servers.exchange(told.process, msgspec.json.encode(told)):
            with contextlib.suppress(msgspec.MsgspecError):
                if other.age <= _FRESH:
                    report = msgspec.json.decode(other.note, type=ProcessReport)
                    yield msgspec.structs.replace(report, server=other.server)

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


def code_elsewhere(code: str, place: str) -> str:
    """Give the code under which an alert of another process stands."""
    return f"{code}{_ELSEWHERE}{place}"


def is_elsewhere(code: str) -> bool:
    """Tell whether an alert is that of another process."""
    return _ELSEWHERE in code


def is_on_another_server(code: str) -> bool:
    """Tell whether an alert is that of another server."""
    return "/" in code.partition(_ELSEWHERE)[2]


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
    totals = own.totals()
    others = [
        share.drift
        for share in shares
        if share.drift is not None and share.model == model and len(share.drift[1]) == len(totals[1])
    ]
    if not others:
        return own.report()
    whole = own.renewed(own.reference)
    for records, counts in (totals, *others):
        whole.add(records, counts)
    return whole.report()
