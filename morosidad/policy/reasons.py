"""Reason codes: a model's contributions as a decision's reasons, with texts in the schema's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.frames.reading import Coded, Column
from morosidad.languages import Language, say
from morosidad.policy.decision import Decision, Reason
from morosidad.schema.field import Value
from morosidad.schema.schema import Record, Schema

_CASES = ("missing", "plain", "above", "below", "lowers")
_MISSING, _PLAIN, _ABOVE, _BELOW, _LOWERS = range(5)


class ReasonTable(msgspec.Struct, eq=False):
    """The reasons of many decisions.

    Attributes
    ----------
    kinds : list of Reason
        The reasons that there are, with a contribution of 0.
    which : ndarray of intp, shape (n, most)
        The places in `kinds` of each decision's reasons, strongest first; -1 where it has fewer.
    contributions : ndarray of float64, shape (n, most)
        What each contributes.
    """

    kinds: list[Reason]
    which: NDArray[np.intp]
    contributions: NDArray[np.float64]

    def after_rules(self, kinds: Sequence[Reason], fired: Sequence[Sequence[int]]) -> ReasonTable:
        """Give the same reasons behind those of rules.

        Parameters
        ----------
        kinds : sequence of Reason
            What rules give as reasons.
        fired : sequence of sequence of int
            The places in `kinds` of each decision's.

        Returns
        -------
        ReasonTable
        """
        most = max(map(len, fired), default=0)
        if not most:
            return self
        number, old = len(self.kinds), self.which.shape[1]
        which = np.full((len(fired), most + old), -1, dtype=np.intp)
        shares = np.zeros(which.shape)
        which[:, :old], shares[:, :old] = self.which, self.contributions
        for row, found in enumerate(fired):
            if found:
                end = len(found) + old
                which[row, len(found) : end] = self.which[row]
                shares[row, len(found) : end] = self.contributions[row]
                which[row, : len(found)] = np.add(found, number)
                shares[row, : len(found)] = 0.0
        return ReasonTable([*self.kinds, *kinds], which, shares)

    def texts(self) -> list[list[str]]:
        """Give the texts of each decision's reasons.

        Returns
        -------
        list of list of str
        """
        texts = np.array([*(kind.text for kind in self.kinds), None], dtype=object)
        found: list[list[Any]] = texts[self.which].tolist()
        for row in np.flatnonzero((self.which < 0).any(axis=1)).tolist():
            found[row] = [text for text in found[row] if text is not None]
        return found

    def shares(self) -> list[list[float]]:
        """Give the contributions of each decision's reasons.

        Returns
        -------
        list of list of float
        """
        numbers = (self.which >= 0).sum(axis=1).tolist()
        rows = zip(self.contributions.tolist(), numbers, strict=True)
        return [shares[:number] for shares, number in rows]

    def reasons(self) -> list[tuple[Reason, ...]]:
        """Give each decision's reasons.

        Returns
        -------
        list of tuple of Reason
        """
        if not self.which.shape[1]:
            return [()] * len(self.which)
        slots = [
            [
                Reason(kind.code, kind.field, kind.text, share, kind.value)
                for kind, share in zip(map(self.kinds.__getitem__, which), shares, strict=True)
            ]
            for which, shares in zip(self.which.T.tolist(), self.contributions.T.tolist(), strict=True)
        ]
        found: list[tuple[Reason, ...]] = list(zip(*slots, strict=True))
        for row in np.flatnonzero((self.which < 0).any(axis=1)).tolist():
            found[row] = found[row][: np.count_nonzero(self.which[row] >= 0)]
        return found


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
            (f"R{place:02d}", name, _texts(label, schema.language))
            for place, (name, label) in enumerate(self._labels.items(), 1)
        )
        self._usual = np.array(self._typical, dtype=np.float64)  # None becomes NaN, which nothing is above
        self._kinds = [Reason(code, name, text, 0.0) for code, name, texts in self._fields for text in texts]

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

    def table(self, columns: Sequence[Column], shares: NDArray[np.float64], most: int) -> ReasonTable:
        """Give the reasons of many decisions, each as `reasons` does.

        Parameters
        ----------
        columns : sequence of (ndarray of float64, shape (n,), or Coded)
            The validated values, one column for each field.
        shares : ndarray of float64, shape (n, n_fields)
            Each field's contribution; NaN where there is none.
        most : int
            At most so many.

        Returns
        -------
        ReasonTable
        """
        values = np.stack([_numbers(column) for column in columns]).ravel()
        raising = np.where(shares > 0.0, shares, 0.0)
        raising[:, list(self._protected)] = 0.0
        raising = np.ascontiguousarray(raising)
        n, width = raising.shape
        rows, flat = np.arange(n), raising.ravel()
        which = np.full((n, min(most, width)), -1, dtype=np.intp)
        found = np.zeros(which.shape)
        for place in range(which.shape[1]):
            strongest = raising.argmax(axis=1)  # of several, the first
            cells = rows * width + strongest
            share = found[:, place] = flat[cells]
            kind = strongest * len(_CASES) + self._cases(strongest, values[strongest * n + rows])
            which[:, place] = np.where(share > 0.0, kind, -1)
            flat[cells] = 0.0
        return ReasonTable(self._kinds, which, found)

    def _cases(self, fields: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Tell for a value of each field which of its texts is to be used."""
        usual = self._usual[fields]
        case = np.full(len(values), _PLAIN)
        case[values > usual] = _ABOVE
        case[values < usual] = _BELOW
        case[np.isnan(values)] = _MISSING
        return case

    def _case(self, place: int, value: Value) -> int:
        usual = self._typical[place]
        if value is None:
            return _MISSING
        if usual is None or isinstance(value, str) or value == usual:
            return _PLAIN
        return _ABOVE if value > usual else _BELOW

    def show_values(self, table: ReasonTable, rows: Sequence[Sequence[Value]]) -> ReasonTable:
        """Give reasons that say the values, where the policy shows them.

        Parameters
        ----------
        table : ReasonTable
            The reasons of each decision, which say no values.
        rows : sequence of sequence
            The validated values of each record.

        Returns
        -------
        ReasonTable
            The same one where the policy shows none.
        """
        if not self._show_values:
            return table
        places = {field.name: place for place, field in enumerate(self._schema.fields)}
        kinds, which = list(table.kinds), table.which.copy()
        shown: dict[tuple[int, Value], int] = {}
        for row, slot in np.argwhere(which >= 0).tolist():
            kind = int(which[row, slot])
            if kinds[kind].kind == "regla":
                continue
            place = places[kinds[kind].field]
            value = rows[row][place]
            if value is None:
                continue
            if (kind, value) not in shown:
                shown[kind, value] = len(kinds)
                kinds.append(self._with_value(kinds[kind], place, value))
            which[row, slot] = shown[kind, value]
        return ReasonTable(kinds, which, table.contributions)

    def name_codes(self, table: ReasonTable, records: Sequence[Record]) -> ReasonTable:
        """Give reasons that name the codes that stand for missing values, as `with_names` does.

        Parameters
        ----------
        table : ReasonTable
            The reasons of each record.
        records : sequence of records
            As the schema takes them.

        Returns
        -------
        ReasonTable
            The same one where there are no such names.
        """
        if not self._schema.names_codes:
            return table
        kinds, which = list(table.kinds), table.which.copy()
        named: dict[tuple[int, str], int] = {}
        for row, record in enumerate(records):
            names = self._schema.missing_names(record)
            for place, kind in enumerate(which[row].tolist()) if names else ():
                words = names.get(kinds[kind].field) if kind >= 0 else None
                if words is not None:
                    if (kind, words) not in named:
                        named[kind, words] = len(kinds)
                        text = self._named(kinds[kind].field, words)
                        kinds.append(msgspec.structs.replace(kinds[kind], text=text))
                    which[row, place] = named[kind, words]
        return ReasonTable(kinds, which, table.contributions)

    def _named(self, field: str, words: str) -> str:
        return say(self._schema.language, "records.reason_code", label=self._labels[field], name=words)

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
        texts = {name: self._named(name, words) for name, words in self._schema.missing_names(record).items()}
        reasons = tuple(
            Reason(r.code, r.field, texts[r.field], r.contribution) if r.field in texts else r
            for r in decision.reasons
        )
        return msgspec.structs.replace(decision, reasons=reasons).in_language(decision.language)

    def _reason(self, place: int, value: Value, share: float) -> Reason:
        code, name, texts = self._fields[place]
        case = self._case(place, value)
        text = texts[_LOWERS if case == _PLAIN and share < 0.0 else case]
        if value is None or not self._show_values:
            return Reason(code, name, text, share)
        return self._with_value(Reason(code, name, text, share), place, value)

    def _with_value(self, reason: Reason, place: int, value: Value) -> Reason:
        shown = self._shown(place, value)
        text = say(self._schema.language, "records.reason_value", text=reason.text, value=shown)
        return msgspec.structs.replace(reason, text=text, value=shown)

    def _shown(self, place: int, value: Value) -> str:
        """Write a value for people, with its unit."""
        language = self._schema.language
        if isinstance(value, bool):
            return say(language, "figures.yes" if value else "figures.no")
        if isinstance(value, str):
            return value
        unit = self._schema.fields[place].words_in(language).unit
        return f"{value:.10g} {unit}".rstrip()


def _numbers(column: Column) -> NDArray[np.float64]:
    """Give a column as numbers; a text is any."""
    if not isinstance(column, Coded):
        return column
    levels = [0.0 if isinstance(level, str) else float(level) for level in column.levels]
    return np.array([*levels, np.nan])[column.codes]


def _texts(label: str, language: Language) -> tuple[str, ...]:
    return tuple(say(language, f"records.reason_{case}", label=label) for case in _CASES)
