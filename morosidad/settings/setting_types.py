"""Types of settings, with their readers: flags, numbers, durations, sizes, choices, texts, lists, secrets."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

REDIS_ADDRESS = "the address of a Redis, as redis://host:6379/0"
"""What the settings that name a Redis expect."""

ANCHOR = "a file, or an address as syslog://host:514, syslog+tcp://host, https://host/path"
"""What the setting expects that says where anchors are sent."""

_TRUE = {"true", "1", "yes", "on", "sí", "si"}
_FALSE = {"false", "0", "no", "off"}
_SIZE_UNITS = {"": 1, "b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30}
_TIME_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")


class SettingType(NamedTuple):
    """What a setting accepts; `read` raises ValueError on anything else."""

    expected: str
    read: Callable[[object], Any]
    secret: bool = False


def _number(value: object, units: Mapping[str, float]) -> float:
    if isinstance(value, str):
        match = _AMOUNT.fullmatch(value.strip())
        if match is None or match[2].lower() not in units:
            raise ValueError
        value = float(match[1]) * units[match[2].lower()]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError
    return number


def seconds() -> SettingType:
    """Accept a duration above 0."""

    def read(value: object) -> float:
        duration = _number(value, _TIME_UNITS)
        if duration <= 0:
            raise ValueError
        return duration

    return SettingType("a duration above 0, in seconds or as 500ms, 10s, 5min, 1h, 1d", read)


def percent() -> SettingType:
    """Accept a percentage above 0 and up to 100."""

    def read(value: object) -> float:
        share = _number(value.strip().removesuffix("%") if isinstance(value, str) else value, {"": 1.0})
        if not 0 < share <= 100:
            raise ValueError
        return share

    return SettingType("a percentage above 0 and up to 100", read)


def whole(least: int, most: float = math.inf) -> SettingType:
    """Accept a whole number from `least` up, to `most`."""

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return SettingType(f"a whole number from {least} " + ("up" if most == math.inf else f"to {most}"), read)


def days() -> SettingType:
    """Accept a number of days above 0."""

    def read(value: object) -> float:
        number = _number(value, {"": 1.0, "d": 1.0})
        if number <= 0:
            raise ValueError
        return number

    return SettingType("a number of days above 0", read)


def or_none(other: SettingType) -> SettingType:
    """Accept what another type accepts, and None, which is written ``none``."""

    def read(value: object) -> Any:
        none = value is None or (isinstance(value, str) and value.strip().lower() == "none")
        return None if none else other.read(value)

    return SettingType(f"{other.expected}, or none", read, other.secret)


def size() -> SettingType:
    """Accept a number of bytes above 0."""

    def read(value: object) -> int:
        count = _number(value, _SIZE_UNITS)
        if count < 1 or not count.is_integer():
            raise ValueError
        return int(count)

    return SettingType("a size above 0, in bytes or as 512KB, 10MB, 1GB (1KB is 1024 bytes)", read)


def flag() -> SettingType:
    """Accept true or false, as JSON or in words."""

    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        text = value.strip().lower() if isinstance(value, str) else ""
        if text not in _TRUE | _FALSE:
            raise ValueError
        return text in _TRUE

    return SettingType("true or false", read)


def choice(*allowed: str) -> SettingType:
    """Accept one of the words, in either case."""
    spelt = {word.lower(): word for word in allowed}

    def read(value: object) -> str:
        if not isinstance(value, str) or value.strip().lower() not in spelt:
            raise ValueError
        return spelt[value.strip().lower()]

    return SettingType("one of " + ", ".join(allowed), read)


def text(*, none: bool = True, off: str | None = None) -> SettingType:
    """Accept a text; an empty one, and the word `off`, is None, or refused with ``none=False``."""

    def read(value: object) -> str | None:
        if value is not None and not isinstance(value, str):
            raise ValueError
        if not (value or none):
            raise ValueError
        return None if not value or (off is not None and value.strip().lower() == off) else value

    return SettingType("a text", read)


def zone() -> SettingType:
    """Accept the name of a time zone, or None."""

    def read(value: object) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise ValueError
        try:
            return ZoneInfo(value).key
        except (OSError, KeyError):
            raise ValueError from None

    return SettingType("a time zone, such as America/Guayaquil", read)


def listed(what: str, item: Callable[[str], str]) -> SettingType:
    """Accept a list, or a text with commas between the items; each is read by `item`."""

    def read(value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
            raise ValueError
        return tuple(item(part) for part in value)

    return SettingType(f"a list of {what}", read)


def type_name(given: str) -> str:
    """Accept a Python type by its full name."""
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+", given):
        raise ValueError
    return given


def api_key(given: str) -> str:
    """Accept ``name:scopes:digest``: scopes joined by ``+``, the SHA-256 of the key in hexadecimal."""
    if not re.fullmatch(r"[\w.-]+:(score|metrics|admin)(\+(score|metrics|admin))*:[0-9a-f]{64}", given):
        raise ValueError
    return given


def origin(given: str) -> str:
    """Accept a web origin: scheme, host and perhaps port, in lower case."""
    if not re.fullmatch(r"https?://[a-z0-9.\-\[\]:]+", given.lower()):
        raise ValueError
    return given.lower()


def network(given: str) -> str:
    """Accept an IP address or network."""
    return str(ip_network(given, strict=False))


def secret(least: int, expected: str = "") -> SettingType:
    """Accept a text of at least `least` characters, or None for no secret; `expected` says what it is."""

    def read(value: object) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or len(value) < least:
            raise ValueError
        return value

    return SettingType(expected or f"a secret of at least {least} characters", read, secret=True)
