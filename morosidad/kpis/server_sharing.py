"""Exchange of key figures between servers over Redis: each tells its own counts and mirrors those of others.

A process holds one of a fixed number of slots. Under the slot stands how it stands now, and beside it one
entry for each sub-window in which anything was counted. All of them end by themselves a window after they
were written: what a server counted that is gone leaves the figures as time goes by and not at once.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from morosidad.kpis.counting.mirrored_counts import (
    MAIN,
    MOST_ROW_BYTES,
    OF_STAGES,
    MirroredCounts,
    Standing,
    encoded_rows,
    standing_of,
)
from morosidad.processes.forking import renew_after_fork
from morosidad.processes.redis_connection import connect, connection_errors

if TYPE_CHECKING:
    import redis

    from morosidad.kpis.tracker import KPITracker

_logger = logging.getLogger("morosidad.kpis")

SLOTS = 64
"""Most processes that may tell their figures under one name."""

FRESH = 10.0
_MOST_BYTES = 1 << 20
_MOST_NAME = 200
_GRACE = 60.0
_PAUSE = 1.0
_TIMEOUT = 0.25
_MAC = 32
_MOST_SUBWINDOW = 1 << 52


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What stands under a slot.

    Attributes
    ----------
    token : str
        Random, for each start of a process.
    server, process : str, int
        Whose process it is, and its id there.
    standing : Standing
        How its counts stand.
    note : bytes
        What else it tells.
    """

    token: str
    server: str
    process: int
    standing: Standing
    note: bytes


class OtherProcess(NamedTuple):
    """A process of another server.

    Attributes
    ----------
    server, process : str, int
        Its server's name, and its id there.
    counts : MirroredCounts
        What it has counted.
    age : float
        Seconds since it told something.
    note : bytes
        What else it told last.
    """

    server: str
    process: int
    counts: MirroredCounts
    age: float
    note: bytes


class ServerSharing:
    """Tells a tracker's counts to other servers, and has the tracker report on theirs too.

    A Redis that can't be reached is no error: it is left alone for a second, and the figures of the others
    stay as they were last heard until they leave the window.

    Parameters
    ----------
    tracker : KPITracker
        Whose counts are told, and who hears those of the others.
    client : redis.Redis
        The connection; it must not decode responses. Its time-out is what a dead Redis costs.
    server : str
        The name of this server, the same for all its processes: they hear each other elsewhere.
    scope : str
        What the servers have in common, such as the name of the model.
    secret : bytes, optional
        At least 16 bytes that all servers hold; what has no HMAC-SHA-256 of it (RFC 2104) is passed over.
    clock : callable
        Seconds that only move forward, for the pause after a failure.

    Attributes
    ----------
    server : str
        As given.
    others : tuple of OtherProcess
        The processes of other servers, as heard last.
    failing : bool
        Whether Redis did not answer when it was last asked, or every slot is taken.
    rejected : int
        Entries that were there and were none, or not authentic.
    """

    def __init__(
        self,
        tracker: KPITracker,
        client: redis.Redis,
        *,
        server: str,
        scope: str = "",
        secret: bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._errors = connection_errors()
        self._tracker = tracker
        self._client = client
        self.server: str = server[:_MOST_NAME]
        self._prefix = f"morosidad:kpis:{hashlib.blake2b(scope.encode(), digest_size=8).hexdigest()}"
        self._secret = secret
        self._clock = clock
        self._known: dict[str, MirroredCounts] = {}
        self._again = 0.0
        self.others: tuple[OtherProcess, ...] = ()
        self.failing: bool = False
        self.rejected: int = 0
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        self._token = secrets.token_hex(8)
        self._slot: int | None = None
        self._told_until: dict[str, int] = {}

    @classmethod
    def from_url(cls, tracker: KPITracker, url: str, **options: Any) -> ServerSharing:
        """Connect to ``redis://host:port/db``, with a short time-out and no retries.

        Parameters
        ----------
        tracker : KPITracker
            As for `ServerSharing`.
        url : str
            Where Redis is; ``rediss://`` and ``unix://`` too.
        **options
            As for `ServerSharing`.

        Returns
        -------
        ServerSharing

        Raises
        ------
        MissingExtra
            If the ``redis`` package is not installed.
        ValueError
            If the address is none.
        """
        return cls(tracker, connect(url, _TIMEOUT, "sharing figures over Redis"), **options)

    def exchange(self, process: int, note: bytes = b"") -> tuple[OtherProcess, ...]:
        """Tell how this process stands, and hear the others.

        Parameters
        ----------
        process : int
            The id of this process.
        note : bytes
            What else to tell, of at most 512 KiB, else nothing; others get it as it is.

        Returns
        -------
        tuple of OtherProcess
            Those of other servers, the living and those whose counts are still in the window.
        """
        if len(note) > _MOST_BYTES // 2:
            note = b""
        if self._clock() < self._again:
            return self.others
        try:
            slots = self._read_slots()
            self._tell(slots, process, note)
            self.others = tuple(self._hear(slots))
            self.failing = self._slot is None
        except self._errors as error:
            if not self.failing:
                _logger.warning("figures are not shared: %s", type(error).__name__)
            self.failing = True
            self._again = self._clock() + _PAUSE
        self._tracker.hear([other.counts.counts for other in self.others])
        return self.others

    def close(self) -> None:
        """Close the connection. What was told stays until it leaves the window."""
        self._client.close()

    # -- telling ---------------------------------------------------------------------------------

    def _tell(self, slots: Sequence[tuple[Told | None, bool]], process: int, note: bytes) -> None:
        """Write what changed since the last time, and then how it stands."""
        shape, clock, wall = self._tracker.shape, self._tracker.clock(), self._tracker.wall()
        own = self._tracker.own
        standing = standing_of(own, shape, clock, wall)
        told = self._keep_slot(slots, Told(self._token, self.server, process, standing, note))
        if self._slot is None:
            return
        lives = int(1000 * (shape.window + _GRACE))
        with self._client.pipeline(transaction=True) as pipe:
            for ring, latest in standing.latest.items():
                width = shape.subwindows if ring == MAIN else shape.stage_subwindows
                first = max(latest - width + 1, self._told_until.get(ring, latest - width + 1))
                for subwindow, row in encoded_rows(own, ring, first, latest):
                    name = self._row_name(self._slot, self._token, ring, subwindow)
                    pipe.set(name, self._sealed(name, row), px=lives)
            name = self._slot_name(self._slot)
            pipe.set(name, self._sealed(name, msgspec.msgpack.encode(told)), px=lives)
            pipe.execute()
        self._told_until = dict(standing.latest)

    def _keep_slot(self, slots: Sequence[tuple[Told | None, bool]], told: Told) -> Told:
        """Take the first free slot, unless this process still has its own; give what to tell there."""
        if self._slot is not None:
            found, taken = slots[self._slot]
            if taken and found is not None and found.token == self._token:
                return told
            self._after_fork()  # it was lost, and the rows with it: begin anew, under another name
            told = msgspec.structs.replace(told, token=self._token)
        lives = int(1000 * (self._tracker.window + _GRACE))
        for slot, (_, taken) in enumerate(slots):
            name = self._slot_name(slot)
            value = self._sealed(name, msgspec.msgpack.encode(told))
            if not taken and self._client.set(name, value, px=lives, nx=True):
                self._slot = slot
                break
        return told

    # -- hearing ---------------------------------------------------------------------------------

    def _read_slots(self) -> list[tuple[Told | None, bool]]:
        """Read every slot: what it says, if that is sound, and whether it is taken."""
        names = [self._slot_name(slot) for slot in range(SLOTS)]
        found = self._read(names, _MOST_BYTES)
        return [
            (self._opened_slot(name, sealed), bool(sealed)) for name, sealed in zip(names, found, strict=True)
        ]

    def _opened_slot(self, name: bytes, sealed: bytes) -> Told | None:
        plain = self._opened(name, sealed)
        if plain is None:
            return None
        try:
            told = _DECODER.decode(plain)
            standing = told.standing
            sound = set(standing.latest) == set(standing.lifetimes) == {MAIN, OF_STAGES}
            if sound and all(abs(latest) < _MOST_SUBWINDOW for latest in standing.latest.values()):
                return told
        except msgspec.MsgspecError:
            pass
        self.rejected += 1
        return None

    def _hear(self, slots: Sequence[tuple[Told | None, bool]]) -> list[OtherProcess]:
        """Mirror what changed in the processes of other servers that cut time as this one does."""
        clock, wall, shape = self._tracker.clock(), self._tracker.wall(), self._tracker.shape
        found = []
        for slot, (told, _) in enumerate(slots):
            if told is None or told.server == self.server or told.standing.shape != shape:
                continue
            try:
                mirrored = self._known.get(told.token) or MirroredCounts(told.standing, clock, wall)
            except (OverflowError, ValueError):  # a moment that is none
                self.rejected += 1
                continue
            wanted = list(mirrored.wanted(told.standing))
            names = [self._row_name(slot, told.token, ring, subwindow) for ring, subwindow in wanted]
            opened = map(self._opened, names, self._read(names, MOST_ROW_BYTES))
            rows = {key: row for key, row in zip(wanted, opened, strict=True) if row is not None}
            try:
                mirrored.hear(told.standing, rows)
            except ValueError:
                self.rejected += 1
                continue
            age = max(0.0, wall - told.standing.wall)
            server, note = told.server[:_MOST_NAME], told.note
            found.append((told.token, OtherProcess(server, told.process, mirrored, age, note)))
        self._known = {token: other.counts for token, other in found}
        return [other for _, other in found]

    def _read(self, names: Sequence[bytes], most: int) -> list[bytes]:
        """Read entries, of each no more than `most` bytes; an empty one is not there."""
        with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.getrange(name, 0, most - 1)
            found: list[bytes] = pipe.execute()
        return found

    # -- names and seals -------------------------------------------------------------------------

    def _slot_name(self, slot: int) -> bytes:
        return f"{self._prefix}:{slot}".encode()

    def _row_name(self, slot: int, token: str, ring: str, subwindow: int) -> bytes:
        return f"{self._prefix}:{slot}:{token[:_MOST_NAME]}:{ring}:{subwindow}".encode()

    def _sealed(self, name: bytes, plain: bytes) -> bytes:
        return self._mac(name, plain) + plain

    def _opened(self, name: bytes, sealed: bytes) -> bytes | None:
        """Take the seal off; None where there is nothing, or nothing authentic."""
        if not sealed:
            return None
        size = 0 if self._secret is None else _MAC
        mac, plain = sealed[:size], sealed[size:]
        if hmac.compare_digest(mac, self._mac(name, plain)):
            return plain
        self.rejected += 1
        return None

    def _mac(self, name: bytes, plain: bytes) -> bytes:
        if self._secret is None:
            return b""
        return hmac.digest(self._secret, len(name).to_bytes(8) + name + plain, "sha256")


_DECODER = msgspec.msgpack.Decoder(Told)
