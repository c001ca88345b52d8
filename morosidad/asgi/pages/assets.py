"""Static files of the pages: read once, compressed once, cached by browsers for ever.

Their addresses hold a digest of all of them together, so that a module's relative imports stay within one
version, and a new version is a new address.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

import msgspec

from morosidad.errors import MissingExtra
from morosidad.languages import Language, words

PREFIX = "/estatico"
CHARTS = "plotly.min.js"
TEXTS = "words.js"
FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"

_FOLDERS = [Path(__file__).parent / name for name in ("scripts", "styles")]
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
}
_INLINE_STYLE = re.compile(
    rb'getElementById\("([0-9a-f]{40,})"\)\)\{var \w+=document\.createElement\("style"\)'
)


class Asset:
    """Something a browser asks for, whole and compressed.

    Parameters
    ----------
    name : str
        File name; its ending gives the media type.
    content : bytes
        What it holds.
    cache : str
        Value of ``Cache-Control``.
    """

    def __init__(self, name: str, content: bytes, cache: str = FOREVER) -> None:
        self.name = name
        self.content = content
        self.cache = cache
        self.media_type: str = _TYPES[Path(name).suffix]
        self.digest: str = hashlib.blake2b(content, digest_size=16).hexdigest()

    @cached_property
    def compressed(self) -> bytes:
        """The content as gzip, the same bytes each time."""
        return gzip.compress(self.content, 6, mtime=0)

    def answer(self, accept_encoding: str = "", if_none_match: str = "") -> tuple[int, dict[str, str], bytes]:
        """Give status, headers and body for a request.

        Parameters
        ----------
        accept_encoding, if_none_match : str
            The request's headers of these names; empty when absent.

        Returns
        -------
        tuple of (int, dict of str to str, bytes)
        """
        squeezed = _takes_gzip(accept_encoding) and len(self.compressed) < len(self.content)
        tag = f'"{self.digest}-gz"' if squeezed else f'"{self.digest}"'
        headers = {"ETag": tag, "Cache-Control": self.cache, "Vary": "Accept-Encoding"}
        asked = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
        if asked & {tag, "*"}:
            return 304, headers, b""
        headers["Content-Type"] = self.media_type
        if squeezed:
            headers["Content-Encoding"] = "gzip"
        return 200, headers, self.compressed if squeezed else self.content


class Assets(Mapping[str, Asset]):
    """Assets by name, and the addresses that they have.

    Attributes
    ----------
    digest : str
        Of all of them.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._assets = {name: Asset(name, content) for name, content in sorted(files.items())}
        whole = "".join(f"{name} {asset.digest}\n" for name, asset in self._assets.items())
        self.digest: str = hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()

    def __getitem__(self, name: str) -> Asset:
        return self._assets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._assets)

    def __len__(self) -> int:
        return len(self._assets)

    def path(self, name: str) -> str:
        """Give the address of an asset.

        Raises
        ------
        KeyError
            There is none of that name.
        """
        return f"{PREFIX}/{self.digest}/{self._assets[name].name}"


@cache
def assets(language: Language = "es") -> Assets:
    """Read the pages' files and plotly's JavaScript.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        Of the texts that the scripts write.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    found = (path for folder in _FOLDERS for path in folder.iterdir() if path.suffix in _TYPES)
    files = {path.name: path.read_bytes() for path in found}
    texts = msgspec.json.encode(dict(words(language, "pages")))
    files[TEXTS] = files[TEXTS].replace(b"$words", texts)
    return Assets(files | {CHARTS: _charts().read_bytes()})


@cache
def inline_style_ids() -> tuple[str, ...]:
    """Name the style elements that plotly's libraries would add, unless elements of these ids are there.

    The content security policy refuses inline styles, and none of these is for a chart of ours.
    """
    return tuple(found.decode() for found in _INLINE_STYLE.findall(assets()[CHARTS].content))


def _charts() -> Path:
    """Find the library in plotly's wheel, without importing plotly."""
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise MissingExtra("the dashboard's charts", "server")
    return Path(found.origin).parent / "package_data" / CHARTS


def _takes_gzip(accept_encoding: str) -> bool:
    """Read an ``Accept-Encoding`` header (RFC 9110, 12.5.3)."""
    weights = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameter = part.partition(";")
        weights[coding.strip()] = parameter.replace(" ", "")
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*")))
    return weight is not None and not re.fullmatch(r"q=0(\.0*)?", weight)
