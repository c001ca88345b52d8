"""API keys and their scopes; settings hold digests only."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Literal, NamedTuple

KeyScope = Literal["score", "metrics", "admin"]
SCOPES: tuple[KeyScope, ...] = ("score", "metrics", "admin")


class ApiKey(NamedTuple):
    """A key as the settings hold it."""

    name: str
    scopes: frozenset[str]
    digest: str


class Keyring:
    """The keys that a server knows.

    Parameters
    ----------
    lines : iterable of str
        ``name:scopes:digest`` each, with the scopes joined by ``+``.
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._keys = tuple(_parse(line) for line in lines)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def find(self, given: bytes) -> ApiKey | None:
        """Give the key that was sent, comparing all in constant time."""
        digest = hashlib.sha256(given).hexdigest()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found


def make_key(name: str, scopes: Iterable[str]) -> tuple[str, str]:
    """Make a key of 256 random bits.

    Returns
    -------
    key, line : str
        What the client sends, and what the settings hold.
    """
    key = secrets.token_urlsafe(32)
    return key, f"{name}:{'+'.join(scopes)}:{hashlib.sha256(key.encode()).hexdigest()}"


def _parse(line: str) -> ApiKey:
    name, scopes, digest = line.split(":")
    return ApiKey(name, frozenset(scopes.split("+")), digest)
