"""Access control: the client's address behind trusted proxies, its API key, its origin."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from morosidad.asgi.guards.keys import Keyring, KeyScope
from morosidad.asgi.problems import Problem, forbidden, told, unauthenticated
from morosidad.settings import Settings

KEY_PROTOCOL = "clave."
_IN_PROCESS = "testclient"
"""The address that Starlette's TestClient gives, and no socket."""
_LONGEST = 80
"""No name of this machine and no address is longer; caches keep nothing that is."""

Address = IPv4Address | IPv6Address


class Access:
    """Decides who may use the server.

    Parameters
    ----------
    keys : Keyring
        Without any, only this machine is answered, unless `anonymous`.
    anonymous : bool
        Whether a server without keys answers everybody.
    origins : iterable of str
        Web origins besides the server's own.
    proxies : iterable of str
        Networks of the proxies whose ``X-Forwarded-For`` counts.
    """

    def __init__(
        self,
        keys: Keyring,
        *,
        anonymous: bool = False,
        origins: Iterable[str] = (),
        proxies: Iterable[str] = (),
    ) -> None:
        self._keys = keys
        self._local_only = not keys and not anonymous
        self._origins = frozenset(origins)
        self._proxies = tuple(ip_network(proxy) for proxy in proxies)

    def client(self, scope: Scope) -> str:
        """Give the address of who asks; ``""`` on a socket of this machine.

        Of ``X-Forwarded-For`` the last address counts that is not a trusted proxy's, since whatever
        stands before it may have been invented.
        """
        client: str = scope["client"][0] if scope.get("client") else ""
        if not self._proxies or not self._trusts(_address_of(client)):
            return client
        lines = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for hop in reversed(lines.decode("latin-1").split(",")):
            address = _address_of(_without_port(hop.strip())) if len(hop) <= _LONGEST else None
            if address is None:
                break
            client = str(address)
            if not self._trusts(address):
                break
        return client

    def check(self, headers: dict[bytes, bytes], client: str, needed: KeyScope) -> str:
        """Let a request in.

        Parameters
        ----------
        headers : dict
            The request's.
        client : str
            The address of who asks.
        needed : str
            The scope that a key must have.

        Returns
        -------
        str
            Who asks, for limits and logs: the key's name, or the address.

        Raises
        ------
        Problem
            E401 or E403.
        """
        self.check_place(headers, client)
        if b"origin" in headers:
            self._check_origin(headers)
        if not self._keys:
            return _network_of(client)
        given = _given_key(headers)
        if given is None:
            raise unauthenticated(told("no_key"))
        key = self._keys.find(given)
        if key is None:
            raise forbidden(told("wrong_key"))
        if needed not in key.scopes:
            raise forbidden(told("wrong_scope"))
        return f"clave:{key.name}"

    def check_place(self, headers: dict[bytes, bytes], client: str) -> None:
        """Refuse other machines where there are no keys.

        A name that is not this machine's own may come from a page whose DNS was rebound, and a
        forwarded request from a proxy that nobody has declared: neither counts as local.
        """
        if not self._local_only or client == _IN_PROCESS:
            return
        forwarded = not self._proxies and (b"x-forwarded-for" in headers or b"forwarded" in headers)
        if forwarded:
            raise _elsewhere()
        _check_local(client, headers.get(b"host", b""))

    def knows(self, headers: dict[bytes, bytes]) -> bool:
        """Tell whether details may be shown: to whoever holds a key, or to all where there are none."""
        return not self._keys or self.holder(headers) is not None

    def holder(self, headers: dict[bytes, bytes]) -> str | None:
        """Name the holder of the key that was sent, whatever its scopes; None where there is no right one."""
        given = _given_key(headers)
        key = None if given is None else self._keys.find(given)
        return None if key is None else f"clave:{key.name}"

    def is_proxy(self, address: str) -> bool:
        """Tell whether an address is that of a proxy which stands for other clients."""
        return bool(self._proxies) and self._trusts(_address_of(address))

    def _check_origin(self, headers: dict[bytes, bytes]) -> None:
        text = headers[b"origin"].decode("latin-1").lower()
        host = headers.get(b"host", b"").decode("latin-1").lower()
        own = text.partition("://")[2]
        if text not in self._origins and (own != host or not own):
            raise forbidden(told("wrong_origin"))

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)


def access_of(settings: Settings) -> Access:
    """Make what the settings say about who may use the server.

    Parameters
    ----------
    settings : Settings
        Keys, origins and proxies.

    Returns
    -------
    Access
    """
    return Access(
        Keyring(settings.server_api_keys),
        anonymous=settings.server_anonymous,
        origins=settings.server_origins,
        proxies=settings.server_proxies,
    )


def _given_key(headers: dict[bytes, bytes]) -> bytes | None:
    """Find the key: in ``X-API-Key``, as a bearer token, or among a WebSocket's subprotocols."""
    if (given := headers.get(b"x-api-key")) is not None:
        return given
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip()
    for protocol in headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(","):
        if (name := protocol.strip()).startswith(KEY_PROTOCOL):
            encoded = name.removeprefix(KEY_PROTOCOL)
            try:
                return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            except (binascii.Error, ValueError):
                return b""
    return None


@lru_cache(maxsize=1024)
def _address_of(text: str) -> Address | None:
    """Read an address; an IPv4 one that stands in an IPv6 one is taken out."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(host: str) -> str:
    """Take the port off a host: ``name:5000``, ``192.0.2.1:5000``, ``[2001:db8::1]:5000``."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, rest = host.partition(":")
    return host if ":" in rest else name


@lru_cache(maxsize=1024)
def _check_local(client: str, host: bytes) -> None:
    """Refuse what does not come from this machine, by a name that is its own; no refusal is cached."""
    if client != "" and not _is_loopback(client):
        raise _elsewhere()
    if len(host) > _LONGEST or not is_local_name(_without_port(host.decode("latin-1"))):
        raise _elsewhere()


def _elsewhere() -> Problem:
    return forbidden(told("elsewhere"))


def is_local_name(host: str) -> bool:
    """Tell whether a host is this machine's own whatever a DNS server says."""
    return host.lower() == "localhost" or _is_loopback(host)


def _is_loopback(text: str) -> bool:
    address = _address_of(text)
    return address is not None and address.is_loopback


@lru_cache(maxsize=1024)
def _network_of(client: str) -> str:
    """Give what one subscriber holds: an IPv4 address, or the /64 around an IPv6 one."""
    address = _address_of(client)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False))
    return client if address is None else str(address)
