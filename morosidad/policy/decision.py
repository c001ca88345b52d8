"""From a probability to a decision: label, outcome and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from numbers import Integral, Real
from typing import Literal, get_args

import msgspec
from msgspec.structs import force_setattr

from morosidad.errors import FieldError, SettingsError
from morosidad.schema.field import Value
from morosidad.schema.schema import Schema

Outcome = Literal["aprobar", "revisar", "rechazar"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

COLOURS = {"aprobar": "#1b7f4d", "revisar": "#b26a00", "rechazar": "#b3261e"}


class Reason(msgspec.Struct, frozen=True):
    """One field that raises the risk of an applicant.

    Attributes
    ----------
    code : str
        ``R`` and the field's place in the schema, from 1: stable for one schema.
    field : str
        The field's name.
    text : str
        For people, in Spanish; it holds no value.
    contribution : float
        The field's share on the model's own scale (log-odds, or probability for forests), against
        the reference applicants. Only positive shares become reasons.
    """

    code: str = msgspec.field(name="codigo")
    field: str = msgspec.field(name="campo")
    text: str = msgspec.field(name="texto")
    contribution: float = msgspec.field(name="aporte")


class Decision(msgspec.Struct, frozen=True):
    """What a scorer answers about one applicant. As JSON, its keys are those of the wire.

    Attributes
    ----------
    label : int
        1 where the probability of default is above the model's threshold, else 0.
    probabilities : tuple of (float, float)
        Of no default and of default.
    confidence : float
        The larger of the two probabilities.
    outcome : {'aprobar', 'revisar', 'rechazar'}
        Where the probability falls among the policy's cut-offs.
    reasons : tuple of Reason
        What raises the risk, strongest first.
    model : str
        ``name@version``.
    warnings : tuple of str
        In Spanish: values outside what the training data held, and whatever else is unusual.
    cached : str or None
        ``acierto`` where a cache held the decision, else None.
    degraded : bool
        Whether a fallback answered in the model's place.
    request_id : str or None
        As the caller gave it.
    """

    label: int = msgspec.field(name="prediccion")
    probabilities: tuple[float, float] = msgspec.field(name="probabilidades")
    confidence: float = msgspec.field(name="confianza")
    outcome: Outcome = msgspec.field(name="decision")
    reasons: tuple[Reason, ...] = msgspec.field(name="motivos", default=())
    model: str = msgspec.field(name="modelo", default="")
    warnings: tuple[str, ...] = msgspec.field(name="advertencias", default=())
    cached: str | None = msgspec.field(name="cache", default=None)
    degraded: bool = msgspec.field(name="degradado", default=False)
    request_id: str | None = None

    @property
    def probability(self) -> float:
        """The probability of default."""
        return self.probabilities[1]

    def _repr_html_(self) -> str:
        colour = COLOURS[self.outcome]
        reasons = "".join(
            f"<li>{escape(reason.text)} <small>(+{reason.contribution:.2f})</small></li>"
            for reason in self.reasons
        )
        notes = "".join(f"<div><small>{escape(warning)}</small></div>" for warning in self.warnings)
        return (
            f'<div style="border:1px solid #8888;border-left:6px solid {colour};border-radius:6px;'
            f'padding:.6em 1em;max-width:34em;font-family:sans-serif">'
            f'<div><b style="color:{colour};font-size:1.1em">{self.outcome.capitalize()}</b>'
            f" · probabilidad de mora <b>{self.probability:.1%}</b></div>"
            f'<ol style="margin:.4em 0 .2em 1.2em;padding:0">{reasons}</ol>{notes}'
            f"<div><small>{escape(self.model)}</small></div></div>"
        )


class RecordError(msgspec.Struct, frozen=True):
    """Stands in the place of a record that could not be decided.

    Attributes
    ----------
    index : int
        Its place among the records, from 0.
    errors : tuple of FieldError
        Every wrong field.
    """

    index: int = msgspec.field(name="indice")
    errors: tuple[FieldError, ...] = msgspec.field(name="errores")


class Policy(msgspec.Struct, frozen=True):
    """The lender's cut-offs.

    Parameters
    ----------
    review_at, decline_at : float
        Probabilities of default from which an analyst looks at the application, and from which it
        is declined; 0 ≤ review_at ≤ decline_at ≤ 1.
    max_reasons : int
        At most so many reasons; 0 skips the work.
    version : str
        Goes into the model file and into every line of the decision log.

    Raises
    ------
    SettingsError
        Naming everything that is wrong.
    """

    review_at: float = 0.2
    decline_at: float = 0.5
    max_reasons: int = 4
    version: str = "1"

    def __post_init__(self) -> None:
        problems = []
        review_at, decline_at, most = self.review_at, self.decline_at, self.max_reasons
        if not (isinstance(review_at, Real) and isinstance(decline_at, Real)):
            problems.append("review_at and decline_at: numbers were expected")
        elif not 0 <= review_at <= decline_at <= 1:
            problems.append("review_at and decline_at: 0 <= review_at <= decline_at <= 1 was expected")
        if not isinstance(most, Integral) or most < 0:
            problems.append("max_reasons: a whole number, 0 or more, was expected")
        if problems:
            raise SettingsError(problems)
        force_setattr(self, "review_at", float(self.review_at))  # 0 and 0.0 are one policy, with one digest
        force_setattr(self, "decline_at", float(self.decline_at))
        force_setattr(self, "max_reasons", int(self.max_reasons))

    def outcome(self, probability: float) -> Outcome:
        """Give the outcome band of a probability of default."""
        if probability >= self.decline_at:
            return "rechazar"
        return "revisar" if probability >= self.review_at else "aprobar"


class Narrator:
    """Puts the strongest contributions into words.

    Parameters
    ----------
    schema : Schema
        The record's fields.
    typical : sequence of float or None
        What is usual for each numeric field, None for the others.
    """

    def __init__(self, schema: Schema, typical: Sequence[float | None]) -> None:
        self._typical = tuple(typical)
        self._fields = tuple(
            (f"R{place:02d}", field.name, *_texts(field.label))
            for place, field in enumerate(schema.fields, 1)
        )

    def reasons(self, values: Sequence[Value], shares: Sequence[float], most: int) -> tuple[Reason, ...]:
        """Give the fields that raise the risk, strongest first, ties in the order of the schema.

        Parameters
        ----------
        values : sequence
            The record's values, in schema order.
        shares : sequence of float
            Each field's contribution.
        most : int
            At most so many.
        """
        raising = sorted([(-share, place) for place, share in enumerate(shares) if share > 0.0])
        return tuple([self._reason(place, values[place], -share) for share, place in raising[:most]])

    def _reason(self, place: int, value: Value, share: float) -> Reason:
        code, name, missing, plain, above, below = self._fields[place]
        usual = self._typical[place]
        if value is None:
            text = missing
        elif usual is None or isinstance(value, str) or value == usual:
            text = plain
        else:
            text = above if value > usual else below
        return Reason(code, name, text, share)


def _texts(label: str) -> tuple[str, str, str, str]:
    return (
        f"{label}: no se informó",
        f"{label}: aumenta el riesgo",
        f"{label}: por encima de lo habitual",
        f"{label}: por debajo de lo habitual",
    )
