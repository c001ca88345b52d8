"""Who asks: the client's address behind trusted proxies, its key, its origin."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.types import Scope as Connection

from morosidad.asgi.keys import Keyring, Scope
from morosidad.asgi.problems import forbidden, not_known

KEY_PROTOCOL = "clave."
_LOCAL_NAMES = {"localhost", "127.0.0.1", "::1", "testserver"}


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

    def client(self, connection: Connection) -> str:
        """Give the address of who asks; ``""`` on a socket of this machine.

        Of ``X-Forwarded-For`` the last address counts that is not a trusted proxy's, since whatever
        stands before it may have been invented.
        """
        address = connection["client"][0] if connection.get("client") else ""
        if not self._proxies or not self._trusts(address):
            return str(address)
        forwarded = b",".join(v for n, v in connection["headers"] if n == b"x-forwarded-for").decode(
            "latin-1"
        )
        for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            address = hop
            if not self._trusts(hop):
                break
        return str(address)

    def check(self, headers: dict[bytes, bytes], client: str, need: Scope) -> str:
        """Let a request in.

        Parameters
        ----------
        headers : dict
            The request's.
        client : str
            The address of who asks.
        need : str
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
        self._check_origin(headers)
        if not self._keys:
            return _network_of(client)
        given = _given_key(headers)
        if given is None:
            raise not_known("Falta la clave: envíela en X-API-Key")
        key = self._keys.find(given)
        if key is None:
            raise forbidden("La clave no es válida")
        if need not in key.scopes:
            raise forbidden("La clave no permite esta operación")
        return f"clave:{key.name}"

    def check_place(self, headers: dict[bytes, bytes], client: str) -> None:
        """Refuse other machines where there are no keys, and names that only a rebound DNS gives this one."""
        if not self._local_only:
            return
        host = _host_name(headers.get(b"host", b"").decode("latin-1"))
        if not _is_local(client) or host not in _LOCAL_NAMES:
            raise forbidden("Sin claves configuradas, solo se atiende a esta máquina")

    def _check_origin(self, headers: dict[bytes, bytes]) -> None:
        origin = headers.get(b"origin")
        if origin is None:
            return
        text = origin.decode("latin-1").lower()
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if text not in self._origins and urlsplit(text).netloc != host:
            raise forbidden("El origen de la página no está permitido")

    def _trusts(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


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
def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


@lru_cache(maxsize=1024)
def _is_local(client: str) -> bool:
    if client in ("", "testclient"):
        return True
    try:
        return ip_address(client).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _network_of(client: str) -> str:
    """Give what one subscriber holds: an IPv4 address, or the /64 around an IPv6 one."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(IPv4Network(address).network_address)
