"""What a case of the matrix is: a fitted pipeline, the frame of its user, and what is expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

EXACT = 1e-12
STEEP = 1e-9
"""Behind an isotonic calibration, whose steep steps magnify the last bit of a sum: as the gate allows."""
SINGLE = 1e-6
"""Allowed where the original itself reckons in 32 bits."""

Expected = Literal["", "answer", "refused"]


class Built(NamedTuple):
    """A fitted pipeline, the user's own rows, and what else the scorer is given."""

    pipeline: Any
    reference: Any
    arguments: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Case:
    """One line of the matrix.

    Attributes
    ----------
    name : str
        Unique: ``group/subject(settings)``.
    group, subject : str
        The table and the estimator that it belongs to.
    build : callable
        Makes the pipeline; called in a worker.
    tolerance : float
        The largest difference of a probability that is allowed.
    expected : {'', 'answer', 'refused'}
        What the scorer has to do where that is said; else it may answer or refuse in words.
    positive : object
        The label that means default; the second class when not given.
    said : bool
        Whether the scorer is told which label that is, where labels are neither 0/1 nor False/True.
    records : bool
        Whether a record can say all that the frame distinguishes; else only frames are compared.
    long : bool
        Left out unless the whole matrix is wanted.
    """

    name: str
    group: str
    subject: str
    build: Callable[[], Built]
    tolerance: float = EXACT
    expected: Expected = ""
    positive: Any = None
    said: bool = True
    records: bool = True
    long: bool = False


class Group:
    """Collects the cases of one file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: dict[str, Case] = {}

    def add(self, subject: str, build: Callable[[], Built], settings: str = "", **more: Any) -> None:
        """Add a case, named by its subject and its settings."""
        name = f"{self.name}/{subject}" + (f"({settings})" if settings else "")
        if name in self.cases:
            raise ValueError(f"two cases are called {name}")
        if "isotonic" in name:
            more.setdefault("tolerance", STEEP)
        self.cases[name] = Case(name, self.name, subject, build, **more)


def written(settings: Mapping[str, Any]) -> str:
    """Write settings as one would in a call, objects by their class."""
    return ", ".join(f"{key}={_short(value)}" for key, value in settings.items())


def _short(value: Any) -> str:
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
