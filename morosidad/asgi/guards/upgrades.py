"""What a request's head may say: one Host, and the upgrade that it asks for (RFC 9110 7.8, RFC 9112 3.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

Headers = Sequence[tuple[bytes, bytes]]

WEBSOCKET = b"websocket"
_FORBIDDEN_IN_HOST = frozenset(b' \t,/?#@\\"<>^`{|}')


def has_one_host(headers: Headers, version: str) -> bool:
    """Tell whether there is the one Host that a request must have; before HTTP/1.1 there may be none."""
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts:
        return version == "1.0"
    return len(hosts) == 1 and not any(byte in _FORBIDDEN_IN_HOST for byte in hosts[0])


def asks_for_websocket(headers: Headers) -> bool:
    """Tell whether WebSocket is among the protocols that an upgrade names."""
    return WEBSOCKET in _tokens(headers, b"upgrade")


def opens_websocket(
    method: bytes, version: str, url: bytes, headers: Headers, paths: Collection[str]
) -> bool:
    """Tell whether a request opens a WebSocket: a GET without a body, at a path that has one."""
    path = url.partition(b"?")[0].decode("latin-1")
    return method == b"GET" and version == "1.1" and not _has_body(headers) and path in paths


def without_upgrade(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Give the headers of the same request, which asks for no upgrade.

    Of ``Connection`` what else it says stays, such as ``close``.
    """
    kept = []
    for name, value in headers:
        if name in (b"upgrade", b"http2-settings"):
            continue
        if name == b"connection":
            tokens = [token.strip() for token in value.split(b",")]
            value = b", ".join(t for t in tokens if t.lower() not in (b"upgrade", b"http2-settings"))
            if not value:
                continue
        kept.append((name, value))
    return kept


def head_bytes(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Write the head of a request."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, url, version.encode(), lines)


def _has_body(headers: Headers) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 \t"))
        for name, value in headers
    )


def _tokens(headers: Headers, wanted: bytes) -> set[bytes]:
    return {token.strip().lower() for name, value in headers if name == wanted for token in value.split(b",")}
