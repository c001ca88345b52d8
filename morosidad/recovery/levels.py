"""Levels of recovery: named groups of remedies, each with a time limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from morosidad.errors import DeadlineExceeded


class Failure:
    """A call that failed, as remedies see it.

    Its text shows neither the error's message nor the arguments, which may be a person's record.

    Attributes
    ----------
    component : str
        The policy's component.
    error : Exception
        What the last attempt raised.
    args, kwargs : tuple, mapping
        What the function was given.
    """

    __slots__ = ("args", "component", "error", "kwargs")

    def __init__(
        self, component: str, error: Exception, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self.component: str = component
        self.error: Exception = error
        self.args: tuple[Any, ...] = args
        self.kwargs: Mapping[str, Any] = kwargs

    def __repr__(self) -> str:
        return f"Failure(component={self.component!r}, error={type(self.error).__name__})"


Remedy: TypeAlias = Callable[[Failure], object]


class RecoveryLevel(msgspec.Struct, frozen=True):
    """One level of recovery.

    Attributes
    ----------
    name : str
        How events and errors call it.
    remedies : tuple of callables
        Run in order, on one thread, each with the `Failure`. One that raises ends the level. Without any, the
        level just tries again.
    timeout : float
        Seconds for the remedies and the retry together.

    Raises
    ------
    ValueError
        The timeout is not a positive number of seconds.
    """

    name: str
    remedies: tuple[Remedy, ...] = ()
    timeout: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.timeout < math.inf:
            raise ValueError(f"level {self.name!r}: timeout must be a positive number of seconds")

    def apply(self, failure: Failure) -> None:
        """Run the remedies.

        Parameters
        ----------
        failure : Failure
            The call that failed.

        Returns
        -------
        None
        """
        for remedy in self.remedies:
            remedy(failure)


def model_at_fault(error: Exception) -> bool:
    """Return whether loading the model again may repair a failure.

    It does not repair lack of memory nor failures of the system (files, network).

    Parameters
    ----------
    error : Exception
        What the last attempt raised.

    Returns
    -------
    bool
    """
    return isinstance(error, DeadlineExceeded) or not isinstance(error, (OSError, MemoryError))


def default_levels(
    *,
    clear_related: Remedy | None = None,
    reload_model: Callable[[], object] | None = None,
    clear_caches: Callable[[], object] | None = None,
    rebuild: Callable[[], object] | None = None,
    model_at_fault: Callable[[Exception], bool] = model_at_fault,
) -> tuple[RecoveryLevel, ...]:
    """Build the usual levels, ``rapida`` (1 s), ``media`` (2 s) and ``completa`` (5 s), from what they call.

    Parameters
    ----------
    clear_related : callable, optional
        Quick: given the `Failure`, drops the cache entries that belong to it.
    reload_model : callable, optional
        Medium: loads the model again, when `model_at_fault` says so of the error.
    clear_caches : callable, optional
        Medium: drops every cache entry.
    rebuild : callable, optional
        Full: builds the critical parts again.
    model_at_fault : callable, optional
        Given the error, returns whether loading the model again may repair it.

    Returns
    -------
    tuple of RecoveryLevel
        The three levels; one whose remedies are not given just tries again.
    """

    def reload_if_at_fault(failure: Failure) -> None:
        if reload_model is not None and model_at_fault(failure.error):
            reload_model()

    def plain(remedy: Callable[[], object] | None) -> tuple[Remedy, ...]:
        return () if remedy is None else (lambda _: remedy(),)

    return (
        RecoveryLevel("rapida", () if clear_related is None else (clear_related,), 1.0),
        RecoveryLevel(
            "media", (*(() if reload_model is None else (reload_if_at_fault,)), *plain(clear_caches)), 2.0
        ),
        RecoveryLevel("completa", plain(rebuild), 5.0),
    )
