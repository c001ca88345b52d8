"""Reason codes: a model's contributions as a decision's reasons, with texts in the schema's language."""

from __future__ import annotations

from collections.abc import Sequence

from morosidad.languages import Language, say
from morosidad.policy.decision import Reason
from morosidad.schema.field import Value
from morosidad.schema.schema import Schema


class ReasonWriter:
    """Turns the strongest contributions into reasons with a code and a text.

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
            (f"R{place:02d}", field.name, *_texts(field.words_in(schema.language).label, schema.language))
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

        Returns
        -------
        tuple of Reason
            Of the fields with a positive contribution only.
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


def _texts(label: str, language: Language) -> tuple[str, str, str, str]:
    cases = ("missing", "plain", "above", "below")
    missing, plain, above, below = (say(language, f"records.reason_{case}", label=label) for case in cases)
    return missing, plain, above, below
