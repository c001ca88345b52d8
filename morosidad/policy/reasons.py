"""Reason codes: a model's contributions as a decision's reasons, with texts in the schema's language."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from morosidad.languages import Language, say
from morosidad.policy.decision import Decision, Reason
from morosidad.schema.field import Value
from morosidad.schema.schema import Record, Schema


class ReasonWriter:
    """Turns the strongest contributions into reasons with a code and a text.

    Parameters
    ----------
    schema : Schema
        The record's fields.
    typical : sequence of float or None
        What is usual for each numeric field, None for the others. Codes have nothing usual.
    show_values : bool
        Whether a text says the value.
    """

    def __init__(self, schema: Schema, typical: Sequence[float | None], *, show_values: bool = False) -> None:
        coded = [field.kind == "category" or field.categories is not None for field in schema.fields]
        self._typical = tuple(None if code else usual for code, usual in zip(coded, typical, strict=True))
        self._protected = frozenset(i for i, field in enumerate(schema.fields) if field.protected)
        self._show_values = show_values
        self._schema = schema
        self._labels = {field.name: field.words_in(schema.language).label for field in schema.fields}
        self._fields = tuple(
            (f"R{place:02d}", name, *_texts(label, schema.language))
            for place, (name, label) in enumerate(self._labels.items(), 1)
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
            Of the fields with a positive contribution only; protected fields are no reason.
        """
        raising = sorted([(-share, place) for place, share in enumerate(shares) if share > 0.0])
        if self._protected:
            raising = [pair for pair in raising if pair[1] not in self._protected]
        return tuple([self._reason(place, values[place], -share) for share, place in raising[:most]])

    def both_directions(self, values: Sequence[Value], shares: Sequence[float]) -> tuple[Reason, ...]:
        """Give every field that raises or lowers the risk, strongest first, ties in the order of the schema.

        Parameters
        ----------
        values : sequence
            The record's values, in schema order.
        shares : sequence of float
            Each field's contribution.

        Returns
        -------
        tuple of Reason
            Of the fields with a contribution; protected fields are no reason.
        """
        moving = [place for place, share in enumerate(shares) if share and place not in self._protected]
        moving.sort(key=lambda place: -abs(shares[place]))
        return tuple([self._reason(place, values[place], shares[place]) for place in moving])

    def with_names(self, decision: Decision, record: Record) -> Decision:
        """Give a decision whose reasons name the codes that stand for missing values.

        Codes are not among the values, so that a cached decision serves them all.

        Parameters
        ----------
        decision : Decision
            On this record.
        record : mapping, JSON as bytes or text, or object with attributes
            As the schema takes it.

        Returns
        -------
        Decision
            The same one where there are no such names.
        """
        if not (self._schema.names_codes and decision.reasons):
            return decision
        texts = {
            name: say(self._schema.language, "records.reason_code", label=self._labels[name], name=words)
            for name, words in self._schema.missing_names(record).items()
        }
        reasons = tuple(
            Reason(r.code, r.field, texts[r.field], r.contribution) if r.field in texts else r
            for r in decision.reasons
        )
        return msgspec.structs.replace(decision, reasons=reasons).in_language(decision.language)

    def _reason(self, place: int, value: Value, share: float) -> Reason:
        code, name, missing, plain, above, below, lowers = self._fields[place]
        usual = self._typical[place]
        if value is None:
            text = missing
        elif usual is None or isinstance(value, str) or value == usual:
            text = plain if share > 0.0 else lowers
        else:
            text = above if value > usual else below
        if value is None or not self._show_values:
            return Reason(code, name, text, share)
        shown = self._shown(place, value)
        return Reason(
            code,
            name,
            say(self._schema.language, "records.reason_value", text=text, value=shown),
            share,
            shown,
        )

    def _shown(self, place: int, value: Value) -> str:
        """Write a value for people, with its unit."""
        language = self._schema.language
        if isinstance(value, bool):
            return say(language, "figures.yes" if value else "figures.no")
        if isinstance(value, str):
            return value
        unit = self._schema.fields[place].words_in(language).unit
        return f"{value:.10g} {unit}".rstrip()


def _texts(label: str, language: Language) -> tuple[str, str, str, str, str]:
    cases = ("missing", "plain", "above", "below", "lowers")
    missing, plain, above, below, lowers = (
        say(language, f"records.reason_{case}", label=label) for case in cases
    )
    return missing, plain, above, below, lowers
