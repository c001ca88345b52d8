"""Helpers of the tests of settings: a machine, and a way to load settings from given sources."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from morosidad.errors import SettingsError
from morosidad.settings import Settings

GB = 2**30


class Machine(NamedTuple):
    cpus: float
    memory: int


def two_cpus_five_gigabytes() -> Machine:
    return Machine(2, 5 * GB)


def load(file=None, env=None, **kwargs):
    kwargs.setdefault("dotenv", None)
    kwargs.setdefault("hardware", two_cpus_five_gigabytes)
    return Settings.load(file, env or {}, **kwargs)


def problems(**kwargs) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(**kwargs)
    return caught.value.problems
