"""Policies as files: JSON, or YAML where PyYAML is installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from morosidad.errors import MissingExtra, SettingsError

LARGEST = 2**20
"""Bytes of a policy's file."""


def read_parameters(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the parameters of a policy from a file.

    Parameters
    ----------
    path : path-like
        Of JSON; of YAML where it ends in ``.yaml`` or ``.yml``.

    Returns
    -------
    dict
        By name; rules as plain data.

    Raises
    ------
    SettingsError
        If there is no such file, or it holds something else.
    MissingExtra
        If PyYAML is needed and not installed.
    """
    name = Path(path).name
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise SettingsError([f"{name}: {error.strerror or type(error).__name__}"]) from None
    if len(content) > LARGEST:
        raise SettingsError([f"{name}: at most {LARGEST} bytes were expected"])
    yaml = Path(path).suffix.lower() in (".yaml", ".yml")
    try:
        data = _of_yaml(content) if yaml else msgspec.json.decode(content)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise SettingsError([f"{name}: {error}"]) from None
    if not isinstance(data, dict):
        raise SettingsError([f"{name}: the parameters of a policy were expected"])
    return data


def _of_yaml(content: bytes) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtra("a policy in YAML", "yaml") from error

    class Loader(yaml.SafeLoader):
        """Without aliases, which would make large data of a small text."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("aliases are no part of a policy")
            return super().compose_node(parent, index)

    try:
        return yaml.load(content, Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
