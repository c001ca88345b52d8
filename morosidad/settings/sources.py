"""Sources of settings: arguments, the environment, a ``.env`` file, a JSON file."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from morosidad.errors import SettingsError
from morosidad.settings.dotenv_file import read_dotenv
from morosidad.settings.platform_names import set_by_platform
from morosidad.settings.setting_types import SettingType

PREFIX = "MOROSIDAD_"
SETTINGS_FILE = f"{PREFIX}SETTINGS_FILE"
DOTENV = Path(".env")

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

    def dotenv(self, path: str | os.PathLike[str] | None, env: Mapping[str, str]) -> dict[str, Any]:
        """Read a ``.env`` file, which other programs share; the default one may be absent."""
        if path is None or (Path(path) == DOTENV and not os.path.lexists(DOTENV)):
            return {}
        text = self._text(Path(path))
        if text is None:
            return {}
        bindings, mistakes = read_dotenv(text, env, self._is_ours)
        self.problems += [f"{path}, line {line}: expected {expected}" for line, expected in mistakes]
        items = ((name, value, f"{path}, line {line}") for name, value, line in bindings)
        return self._collect(items, shared=True, near=True)

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
        seen: dict[str, SourceItem] = {}
        for given, value, where in items:
            name = given.upper()
            if shared and (name in _OF_OTHERS or set_by_platform(name, value)):
                continue
            own = shared and name.startswith(PREFIX)
            setting = self._names.get(name.removeprefix(PREFIX) if own else name)
            if setting is None:
                if self._is_mistake(name, own=own, shared=shared, near=near):
                    self._unknown(given, where)
                continue
            item = (given, value, where)
            firsts = [seen.setdefault(name, item)]
            if not (shared and value in ("", None)):  # an empty value is an unset one
                firsts.append((prefixed if own else plain).setdefault(setting, item))
            if first := next((one[0] for one in firsts if one[1] != value), None):
                self.problems.append(f"{given} ({where}): expected once; {first} sets {setting} too")
        return {
            setting: self.read(setting, value, where, given)
            for setting, (given, value, where) in (plain | prefixed).items()
        }

    def _is_ours(self, given: str) -> bool:
        """Tell whether a name in a shared file is a setting, or was meant as one."""
        name = given.upper()
        if name in _OF_OTHERS:
            return False
        return name.startswith(PREFIX) or name in self._names or bool(self._nearest(_letters(name), 0.85))

    def _is_mistake(self, name: str, *, own: bool, shared: bool, near: bool) -> bool:
        if own:
            return name != SETTINGS_FILE
        return not shared or (near and self._is_ours(name))

    def _nearest(self, name: str, cutoff: float = 0.6, among: Iterable[str] | None = None) -> str:
        known = self._names if among is None else among
        return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=cutoff)), "")

    def _unknown(self, given: str, where: str, among: Iterable[str] | None = None) -> None:
        name = _letters(given.upper()) if among is None else given.lower()
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


def _letters(name: str) -> str:
    """Take away the prefix, and what a name can't hold: quotes, dots, signs that are not seen."""
    return re.sub(r"\W", "", name).removeprefix(PREFIX)
