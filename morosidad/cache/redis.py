"""RedisTier: a second cache tier in Redis, shared by every process that scores with the same model."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import msgspec

from morosidad.processes.forking import renew_after_fork
from morosidad.processes.redis_connection import connect, connection_errors

if TYPE_CHECKING:
    import redis

V = TypeVar("V")
T = TypeVar("T")

# Past so many writes that did not get through, everything is removed rather than each of them.
MAX_MISSED_WRITES = 10_000
SCAN_COUNT = 1000
SHORTEST_SECRET = 16
PLAIN_TYPES = frozenset({str, bytes, int, float, bool, type(None)})
ALL = "*"
GLOB_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\*?[]"})


def pack_key(key: Any) -> bytes:
    """Encode a key of plain values and tuples as MessagePack; unequal keys have unequal bytes.

    Parameters
    ----------
    key : object
        A plain value, or a tuple of them, nested to any depth.

    Returns
    -------
    bytes

    Raises
    ------
    TypeError
        If the key holds anything else.
    """
    return msgspec.msgpack.encode(_plain(key))


def _plain(key: Any) -> Any:
    if type(key) in PLAIN_TYPES:
        return key
    if type(key) is tuple:
        return [_plain(part) for part in key]
    raise TypeError(
        f"a key of plain values and tuples is needed, not {type(key).__name__}; or give encode_key"
    )


def namespace_of(key: Any) -> str:
    """Name the model a key belongs to: its first part, where that is text or bytes.

    Parameters
    ----------
    key : object
        The key of an entry.

    Returns
    -------
    str
        The model, ``"-"`` where the key names none.
    """
    first = key[0] if isinstance(key, tuple) and key else None
    if isinstance(first, bytes):
        return first.hex()
    return first if isinstance(first, str) else "-"


class RedisTier(Generic[V]):
    """A second tier in Redis.

    An entry lies under ``prefix:model:digest``, the digest being BLAKE2b-128 of the encoded key. The key
    itself lies beside the value and is compared, so that not even equal digests give another's answer.
    Redis keeps the time. Nothing is pickled.

    A Redis that can't be reached is never an error here: after the first time-out it is left alone for
    `cooldown` seconds and looks empty, then one call tries it again. What was written or deleted meanwhile
    is removed from it before it is believed again.

    Keys and values lie in Redis as they are: treat it as a place that holds personal data. With `secret`
    each entry carries an HMAC-SHA-256 over its name, its key and its value (RFC 2104), so that who can write
    to Redis and does not hold the secret can neither make an entry nor move one to another name; an entry
    may still be kept back or put again within its time.

    Parameters
    ----------
    client : redis.Redis
        The connection; it must not decode responses. Its time-out is what a dead Redis costs, so it should be
        short and without retries, as `from_url` makes it.
    type : type, optional
        What the values are, for msgspec: a `msgspec.Struct` comes back as such. By default plain data, in
        which tuples come back as lists.
    encode, decode : callable, optional
        From value to bytes and back, in the place of msgspec.
    encode_key : callable, optional
        From key to bytes, for keys other than tuples of plain values. It must never be equal for unequal
        keys.
    prefix : str, default='morosidad'
        First part of every name in Redis.
    secret : bytes, optional
        At least 16 bytes that all who share the entries hold; entries without its HMAC count as absent.
    cooldown : float, default=1.0
        Seconds between two attempts to reach a dead Redis.
    clock : callable, optional
        Time in seconds.

    Attributes
    ----------
    failures : int
        Calls that did not get through.
    rejected : int
        Entries that were there but could not be read, belonged to another key, or were not authentic.

    Raises
    ------
    MissingExtra
        If the ``redis`` package is not installed.
    ValueError
        If the client decodes responses, or the secret is too short.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        type: Any = Any,
        encode: Callable[[V], bytes] | None = None,
        decode: Callable[[bytes], V] | None = None,
        encode_key: Callable[[Any], bytes] = pack_key,
        prefix: str = "morosidad",
        secret: bytes | None = None,
        cooldown: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if secret is not None and len(secret) < SHORTEST_SECRET:
            raise ValueError(f"secret: at least {SHORTEST_SECRET} bytes were expected, not {len(secret)}")
        self._errors = connection_errors("RedisTier")
        if client.connection_pool.connection_kwargs.get("decode_responses"):
            raise ValueError("the client must not decode responses")
        self._client = client
        self._encode = encode or msgspec.msgpack.Encoder().encode
        self._decode = decode or msgspec.msgpack.Decoder(type).decode
        self._encode_key = encode_key
        self._unpack = msgspec.msgpack.Decoder(tuple[bytes, bytes, bytes]).decode
        self._prefix = prefix
        self._secret = secret
        self._cooldown = cooldown
        self._clock = clock
        self._retry_at: float | None = None
        # Names that a write or a removal did not reach; `ALL` stands for every one.
        self._missed_writes: set[bytes | str] = set()
        self.failures: int = 0
        self.rejected: int = 0
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = Lock()
        self._probing = False

    @classmethod
    def from_url(cls, url: str, *, timeout: float = 0.1, **options: Any) -> Self:
        """Connect to ``redis://host:port/db``, with `timeout` seconds for each call and no retries.

        Parameters
        ----------
        url : str
            Where Redis is, as the redis package writes it; ``rediss://`` and ``unix://`` too.
        timeout : float, default=0.1
            Seconds.
        **options : optional
            As for `RedisTier`.

        Returns
        -------
        RedisTier

        Raises
        ------
        MissingExtra
            If the ``redis`` package is not installed.
        """
        return cls(connect(url, timeout, "RedisTier"), **options)

    def get(self, key: Hashable, /) -> tuple[V, float] | None:
        """Return the value of `key` and the seconds it has left, or ``None``.

        Parameters
        ----------
        key : hashable
            The key.

        Returns
        -------
        tuple of (object, float), or None
        """
        packed = self._encode_key(key)
        name = self._name(key, packed)
        reply = self._call(lambda: self._read(name))
        if reply is None:
            return None
        packed_entry, milliseconds = reply
        if packed_entry is None:
            return None
        # Whatever a decoder raises on foreign bytes, the entry counts as absent.
        with suppress(Exception):
            owner, value, mac = self._unpack(packed_entry)
            if owner == packed and hmac.compare_digest(mac, self._mac(name, owner, value)):
                return self._decode(value), math.inf if milliseconds < 0 else milliseconds / 1000
        with self._lock:
            self.rejected += 1
        return None

    def set(self, key: Hashable, value: V, ttl: float, /) -> None:
        """Keep `value` for `ttl` seconds; ``math.inf`` is for ever.

        Parameters
        ----------
        key : hashable
            The key.
        value : object
            The value.
        ttl : float
            Seconds.

        Returns
        -------
        None
        """
        packed = self._encode_key(key)
        name = self._name(key, packed)
        encoded = self._encode(value)
        packed_entry = msgspec.msgpack.encode((packed, encoded, self._mac(name, packed, encoded)))
        milliseconds = None if math.isinf(ttl) else int(ttl * 1000)
        if milliseconds == 0:
            self._call(lambda: self._client.unlink(name), name)
        else:
            self._call(lambda: self._client.set(name, packed_entry, px=milliseconds), name)

    def delete(self, key: Hashable, /) -> None:
        """Remove `key`.

        Parameters
        ----------
        key : hashable
            The key.

        Returns
        -------
        None
        """
        name = self._name(key, self._encode_key(key))
        self._call(lambda: self._client.unlink(name), name)

    def clear(self, model: str | None = None) -> None:
        """Remove the entries of one model, or everything under the prefix.

        Parameters
        ----------
        model : str, optional
            Digest of the model, as it stands in the names of the entries.

        Returns
        -------
        None
        """
        self._call(lambda: self._remove_all(model), ALL)

    @property
    def available(self) -> bool:
        """Whether Redis answered when it was last asked."""
        return self._retry_at is None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _name(self, key: Hashable, packed: bytes) -> bytes:
        digest = hashlib.blake2b(packed, digest_size=16).hexdigest()
        return f"{self._prefix}:{namespace_of(key)}:{digest}".encode()

    def _mac(self, name: bytes, packed: bytes, encoded: bytes) -> bytes:
        """Authenticate an entry; where there is no secret, every entry is taken as it is."""
        if self._secret is None:
            return b""
        lengths = len(name).to_bytes(8) + len(packed).to_bytes(8)  # where one part ends and the next begins
        return hmac.digest(self._secret, lengths + name + packed + encoded, "sha256")

    def _read(self, name: bytes) -> tuple[bytes | None, int]:
        # One transaction, or the life left could be that of a value written in between.
        with self._client.pipeline(transaction=True) as pipe:
            pipe.get(name)
            pipe.pttl(name)
            packed_entry, milliseconds = pipe.execute()
        return packed_entry, milliseconds

    def _remove_all(self, model: str | None = None) -> None:
        start = f"{self._prefix}:" if model is None else f"{self._prefix}:{model}:"
        self._remove(self._client.scan_iter(match=start.translate(GLOB_SPECIAL) + "*", count=SCAN_COUNT))

    def _remove(self, names: Iterable[Any]) -> None:
        names = iter(names)
        while batch := list(islice(names, SCAN_COUNT)):
            self._client.unlink(*batch)

    def _call(self, work: Callable[[], T], writes: bytes | str | None = None) -> T | None:
        """Call Redis, unless it is cooling down; remember the writes that don't get through."""
        with self._lock:
            probing = self._retry_at is not None
            if self._retry_at is not None:
                if self._probing or self._clock() < self._retry_at:
                    self._note_missed(writes)
                    return None
                self._probing = True
        try:
            if probing:
                self._remove_missed()
            answer = work()
            if probing:
                with self._lock:
                    # What other calls missed meanwhile is removed by the next call.
                    self._retry_at = self._clock() if self._missed_writes else None
            return answer
        except self._errors:
            with self._lock:
                self.failures += 1
                self._retry_at = self._clock() + self._cooldown
                self._note_missed(writes)
            return None
        finally:
            if probing:
                self._probing = False

    def _note_missed(self, *names: bytes | str | None) -> None:
        self._missed_writes.update(name for name in names if name is not None)
        if ALL in self._missed_writes or len(self._missed_writes) > MAX_MISSED_WRITES:
            self._missed_writes = {ALL}

    def _remove_missed(self) -> None:
        """Remove what is out of date in Redis because a write did not reach it."""
        with self._lock:
            missed, self._missed_writes = self._missed_writes, set()
        try:
            if ALL in missed:
                self._remove_all()
            else:
                self._remove(missed)
        except self._errors:
            with self._lock:
                self._note_missed(*missed)
            raise
