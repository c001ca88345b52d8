"""Sources of settings: arguments, the environment, a ``.env`` file, a JSON file."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from morosidad.errors import SettingsError
from morosidad.settings.setting_types import SettingType

PREFIX = "MOROSIDAD_"
SETTINGS_FILE = f"{PREFIX}SETTINGS_FILE"
DOTENV = Path(".env")

# Kubernetes puts these into every container beside a service that is called "morosidad".
_FROM_KUBERNETES = re.compile(rf"{PREFIX}(SERVICE_(HOST|PORT)|PORT(_[0-9]+_(TCP|UDP)|$))")

_OF_OTHERS = {"LANGUAGE"}  # names that mean something else in an environment: gettext's list of languages

SourceItem = tuple[str, Any, str]  # the name as given, the value, where it stands


class SourceReader:
    """Reads the sources and keeps every problem until `finish`.

    Parameters
    ----------
    types : mapping
        What each setting accepts.
    names : mapping
        The setting that each name, in capitals, stands for.
    """

    def __init__(self, types: Mapping[str, SettingType], names: Mapping[str, str]) -> None:
        self._types = types
        self._names = names
        self.problems: list[str] = []

    def finish(self) -> None:
        """Raise `SettingsError` with every problem, if there is one."""
        if self.problems:
            raise SettingsError(self.problems)

    def read(self, setting: str, value: object, where: str, given: str | None = None) -> Any:
        """Read one value; None and a problem when it does not fit."""
        setting_type = self._types[setting]
        try:
            return setting_type.read(value)
        except ValueError:
            self.problems.append(f"{given or setting} ({where}): expected {setting_type.expected}")

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Read keyword arguments."""
        for name in given:
            if name not in self._types:
                self._unknown(name, "argument", self._types)
        return {
            name: self.read(name, value, "argument") for name, value in given.items() if name in self._types
        }

    def environment(self, env: Mapping[str, str]) -> dict[str, Any]:
        """Read the environment, which other programs share."""
        return self._collect(((name, value, "environment") for name, value in env.items()), shared=True)

    def dotenv(self, path: str | os.PathLike[str] | None) -> dict[str, Any]:
        """Read a ``.env`` file, which other programs share; the default one may be absent."""
        if path is None or (Path(path) == DOTENV and not DOTENV.exists()):
            return {}
        text = self._text(Path(path))
        return {} if text is None else self._collect(self._lines(text, path), shared=True, near=True)

    def json(self, path: str | os.PathLike[str] | None) -> dict[str, Any]:
        """Read a JSON file, which is morosidad's own."""
        text = None if path is None else self._text(Path(path))
        if text is None:
            return {}
        try:
            pairs = json.loads(text, object_pairs_hook=tuple)
        except (ValueError, RecursionError) as error:
            place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            self.problems.append(f"{path}: expected valid JSON{place}")
            return {}
        if not isinstance(pairs, tuple):
            self.problems.append(f"{path}: expected one JSON object")
            return {}
        return self._collect((name, value, str(path)) for name, value in pairs)

    def _collect(
        self, items: Iterable[SourceItem], *, shared: bool = False, near: bool = False
    ) -> dict[str, Any]:
        """Find the settings among the items of one source; prefixed names go before plain ones."""
        plain: dict[str, SourceItem] = {}
        prefixed: dict[str, SourceItem] = {}
        for given, value, where in items:
            name = given.upper()
            own = shared and name.startswith(PREFIX)
            if shared and name in _OF_OTHERS:
                continue
            setting = self._names.get(name.removeprefix(PREFIX) if own else name)
            if setting is not None:
                first = (prefixed if own else plain).setdefault(setting, (given, value, where))
                if first[1] != value:
                    self.problems.append(f"{given} ({where}): expected once; {first[0]} sets {setting} too")
            elif self._is_mistake(name) if own else not shared or (near and self._nearest(name, 0.85)):
                self._unknown(given, where)
        return {
            setting: self.read(setting, value, where, given)
            for setting, (given, value, where) in (plain | prefixed).items()
        }

    @staticmethod
    def _is_mistake(name: str) -> bool:
        return name != SETTINGS_FILE and not _FROM_KUBERNETES.match(name)

    def _nearest(self, name: str, cutoff: float = 0.6, among: Iterable[str] | None = None) -> str:
        known = self._names if among is None else among
        return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=cutoff)), "")

    def _unknown(self, given: str, where: str, among: Iterable[str] | None = None) -> None:
        name = given.upper().removeprefix(PREFIX) if among is None else given.lower()
        near = self._nearest(name, among=among)
        hint = f"; did you mean {near}?" if near else ""
        self.problems.append(f"{given} ({where}): expected the name of a setting{hint}")

    def _text(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeError:
            reason = "not UTF-8"
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
        self.problems.append(f"{path}: expected a readable text file ({reason})")
        return None

    def _lines(self, text: str, path: str | os.PathLike[str]) -> Iterator[SourceItem]:
        """Split ``NAME=value`` lines: quotes, comments and ``export`` as in a shell, nothing expanded."""
        lines = enumerate(text.splitlines(), 1)
        for number, line in lines:
            where = f"{path}, line {number}"
            stripped = line.strip()
            if not stripped or stripped.startswith("#"):
                continue
            name, equals, value = stripped.removeprefix("export ").partition("=")
            if not equals or not name.strip().isidentifier():
                self.problems.append(f"{where}: expected NAME=value")
                continue
            value = value.strip()
            quote = value[:1] if value[:1] in ("'", '"') else ""
            while quote and quote not in value[1:] and (more := next(lines, None)):
                value += "\n" + more[1]
            yield name.strip(), _unquoted(value, quote), where


def _unquoted(value: str, quote: str) -> str:
    if quote:
        inner, closed, rest = value[1:].partition(quote)
        return inner if closed and (not rest.strip() or rest.lstrip().startswith("#")) else value
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip()
