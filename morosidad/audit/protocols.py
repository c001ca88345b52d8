"""Protocols of the decisions and reasons that can be logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ReasonLike(Protocol):
    """What the log needs of a reason."""

    @property
    def field(self) -> str:
        """The field that it is about."""
        ...

    @property
    def code(self) -> str:
        """Its code."""
        ...

    @property
    def text(self) -> str:
        """Its text."""
        ...

    @property
    def contribution(self) -> float:
        """What the field adds to the risk."""
        ...


class DecisionLike(Protocol):
    """What the log needs of a decision."""

    @property
    def probability(self) -> float | None:
        """The probability of default."""
        ...

    @property
    def probabilities(self) -> Sequence[float] | None:
        """The probability of each class."""
        ...

    @property
    def label(self) -> int | None:
        """The predicted class."""
        ...

    @property
    def confidence(self) -> float | None:
        """The highest of the probabilities."""
        ...

    @property
    def outcome(self) -> str:
        """What the policy makes of it."""
        ...

    @property
    def reasons(self) -> Sequence[ReasonLike]:
        """Why."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What the schema or the model found odd."""
        ...

    @property
    def cached(self) -> object:
        """Where it came from, if it was cached."""
        ...

    @property
    def degraded(self) -> bool:
        """Whether a fallback answered."""
        ...

    @property
    def request_id(self) -> str | None:
        """The caller's id of the request."""
        ...
