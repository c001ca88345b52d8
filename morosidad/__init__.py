"""Decide credit applications in microseconds with the model you already fitted.

The public names live here and load on first use: ``import morosidad`` brings in neither
pandas nor scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from morosidad.errors import MorosidadError as MorosidadError

__version__ = "0.1.0"

_HOME = {
    "MorosidadError": "errors",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
