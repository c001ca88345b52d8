"""Replay: logged values scored again, with every difference named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from morosidad.audit.lines import DecisionLine, EventLine
from morosidad.audit.reading import Paths, read_all_lines
from morosidad.languages import Language, say


class Scored(Protocol):
    """What scoring again gives, where it gives more than a probability."""

    @property
    def probability(self) -> float | None:
        """The probability of default."""
        ...

    @property
    def label(self) -> int | None:
        """The predicted class."""
        ...

    @property
    def outcome(self) -> str:
        """What the policy makes of it."""
        ...


class Difference(msgspec.Struct, frozen=True):
    """A decision that comes out otherwise now.

    Attributes
    ----------
    id : str
        The line's id.
    model : str
        The model that decided then, as name@version.
    field : str
        ``probabilidad``, ``prediccion``, ``decision``, or ``error`` where scoring failed.
    logged, now : object
        What was logged and what comes out now; for an error, None and the exception's type.
    """

    id: str
    model: str = msgspec.field(name="modelo")
    field: str = msgspec.field(name="campo")
    logged: Any = msgspec.field(name="registrado")
    now: Any = msgspec.field(name="ahora")


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `replay` found.

    Attributes
    ----------
    replayed : int
        Decisions that were scored again.
    without_values : int
        Decisions that can't be: the log holds a hash, nothing, or not all of the values.
    forgotten : int
        Decisions that can't be: their values were erased.
    degraded : int
        Decisions that were not the model's own, and are passed over.
    unreadable : int
        Lines that are damaged.
    differences : list of Difference
        In the order of the log.
    """

    replayed: int = msgspec.field(name="repetidas")
    without_values: int = msgspec.field(name="sin_valores")
    forgotten: int = msgspec.field(name="olvidadas", default=0)
    degraded: int = msgspec.field(name="degradadas")
    unreadable: int = msgspec.field(name="ilegibles")
    differences: list[Difference] = msgspec.field(name="diferencias")

    @property
    def ok(self) -> bool:
        """Whether every decision came out as logged, and no line is damaged."""
        return not self.differences and not self.unreadable

    def __str__(self) -> str:
        return self.told("es")

    def told(self, language: Language) -> str:
        """Give the report in words.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            The language.

        Returns
        -------
        str
        """
        numbers = msgspec.structs.asdict(self) | {"differences": len(self.differences)}
        text = [say(language, "reports.replayed", **numbers)]
        if self.forgotten:
            text.append(say(language, "reports.replay_forgotten", number=self.forgotten))
        text += [f"{d.id} ({d.model}): {d.field} {d.logged} → {d.now}" for d in self.differences]
        return "\n".join(text)


def replay(
    paths: Paths,
    score: Callable[[Mapping[str, Any]], float | Scored],
    *,
    tolerance: float = 1e-12,
    keys: str | os.PathLike[str] | None = None,
) -> ReplayReport:
    """Score logged values again and name every difference.

    Parameters
    ----------
    paths : path or iterable of paths
        The logs; each is read from its oldest file on.
    score : callable
        Takes the values by field, missing ones left out, and gives the probability of default or
        a decision; a `Scorer`'s ``score_one`` does.
    tolerance : float, default=1e-12
        How far probabilities may lie apart.
    keys : path, optional
        The file with the keys of values that may be erased; by default the one beside each log.

    Returns
    -------
    ReplayReport

    Raises
    ------
    OSError
        There is no such log, or it can't be read.
    """
    replayed = without_values = forgotten = degraded = unreadable = 0
    differences: list[Difference] = []
    for line in read_all_lines(paths, keys=keys):
        if line is None:
            unreadable += 1
        elif isinstance(line, EventLine):
            continue
        elif line.degraded:
            degraded += 1
        elif line.forgotten:
            forgotten += 1
        elif line.values is None or line.omitted:
            without_values += 1
        else:
            replayed += 1
            differences += _differences(line, score, tolerance)
    return ReplayReport(
        replayed=replayed,
        without_values=without_values,
        forgotten=forgotten,
        degraded=degraded,
        unreadable=unreadable,
        differences=differences,
    )


def _differences(
    line: DecisionLine, score: Callable[[Mapping[str, Any]], float | Scored], tolerance: float
) -> Iterator[Difference]:
    model = f"{line.model.name}@{line.model.version}"
    values = {field: value for field, value in (line.values or {}).items() if value is not None}
    try:
        scored = score(values)
    except Exception as error:  # one record that can't be scored is a difference, not the end
        yield Difference(line.id, model, "error", None, type(error).__name__)
        return
    probability: float | None
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(scored, int | float):
        probability = float(scored)
    else:
        probability = scored.probability
        pairs += [("prediccion", line.label, scored.label), ("decision", line.outcome, scored.outcome)]
    if probability is None or line.probability is None:
        pairs.append(("probabilidad", line.probability, probability))
    elif not abs(probability - line.probability) <= tolerance:
        yield Difference(line.id, model, "probabilidad", line.probability, probability)
    for field, logged, now in pairs:
        if logged != now:
            yield Difference(line.id, model, field, logged, now)
