"""Checks of what a choice is asked with."""

from __future__ import annotations

from typing import Any

import numpy as np

from morosidad.errors import SettingsError


def share_of(name: str, value: Any) -> float:
    """Give a share as a float.

    Parameters
    ----------
    name : str
        What it is, for the error.
    value : float
        From 0 to 1.

    Returns
    -------
    float

    Raises
    ------
    SettingsError
        If it is something else.
    """
    known = isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, bool)
    if not known or not 0.0 <= float(value) <= 1.0:
        raise SettingsError([f"{name}: a number from 0 to 1 was expected"])
    return float(value)


def check_whole(name: str, value: Any, least: int, most: int) -> None:
    """Refuse what is no whole number within limits.

    Parameters
    ----------
    name : str
        What it is, for the error.
    value : int
        The number.
    least, most : int
        The limits.

    Raises
    ------
    SettingsError
        If it is something else.
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        raise SettingsError([f"{name}: a whole number from {least} to {most} was expected"])
