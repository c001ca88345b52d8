"""Reason codes: a model's contributions as a decision's reasons, with texts in the schema's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.errors import SettingsError
from morosidad.frames.reading import Coded, Column
from morosidad.languages import Language, say
from morosidad.policy.decision import Decision, Reason
from morosidad.policy.reason_table import ReasonTable
from morosidad.schema.field import Value
from morosidad.schema.schema import Record, Schema

if TYPE_CHECKING:
    from morosidad.policy.codes import ReasonCode

ROUNDING = 100.0
"""A contribution of so many times the tolerance of a model's parity, or less, is noise."""

_CASES = ("missing", "plain", "above", "below", "lowers")
_MISSING, _PLAIN, _ABOVE, _BELOW, _LOWERS = range(5)


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
    codes : sequence of ReasonCode
        The lender's; a field without one has its name for a code.
    allowed : sequence of str, ``'codes'`` or None
        The codes of all that may be said; ``'codes'``: what `codes` hold.
    noise : float
        A contribution no larger, for each field of a reason, says nothing.

    Raises
    ------
    SettingsError
        If a code names no field of the schema, or no code is called as one that is allowed.
    """

    def __init__(
        self,
        schema: Schema,
        typical: Sequence[float | None],
        *,
        show_values: bool = False,
        codes: Sequence[ReasonCode] = (),
        allowed: Sequence[str] | Literal["codes"] | None = None,
        noise: float = 0.0,
    ) -> None:
        coded = [field.kind == "category" or field.categories is not None for field in schema.fields]
        usuals = [None if code else usual for code, usual in zip(coded, typical, strict=True)]
        self._schema, self._show_values, self._noise = schema, show_values, noise
        self._labels = {field.name: field.words_in(schema.language).label for field in schema.fields}
        of_field = _codes_of(schema, codes, allowed)
        own = [None if code is None else code.text_in(schema.language) for code in of_field]
        named = zip(schema.names, of_field, strict=True)
        names = [name if code is None else code.code for name, code in named]
        protected = {i for i, field in enumerate(schema.fields) if field.protected}
        self._protected = _unsaid(names, of_field, allowed) | protected
        self._groups = _groups(names, self._protected)
        self._shared = frozenset(place for group in self._groups if len(group) > 1 for place in group)
        self._sharing = {group[0]: group for group in self._groups if len(group) > 1}
        self._each_alone = not self._shared and not self._protected
        self._own = frozenset(name for name, text in zip(schema.names, own, strict=True) if text)
        self._fields: tuple[tuple[Any, ...], ...] = tuple(
            (code, name, usual, *_texts(self._labels[name], schema.language, text))
            for code, name, usual, text in zip(names, schema.names, usuals, own, strict=True)
        )
        self._usual = np.array(usuals, dtype=np.float64)  # None becomes NaN, which nothing is above
        self._kinds = [Reason(said[0], said[1], text, 0.0) for said in self._fields for text in said[3:]]

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
            Of the fields with a contribution above the noise only; neither protected fields nor such that
            may not be said are a reason.
        """
        standing = shares if self._each_alone else self._standing(shares)
        noise, fields, sharing, plainly = self._noise, self._fields, self._sharing, not self._show_values
        raising = [share for share in standing if share > noise]
        raising.sort(reverse=True)
        found, place, last = [], -1, None
        for share in raising[:most]:
            place = standing.index(share, place + 1) if share == last else standing.index(share)
            last = share
            lead = max(sharing[place], key=shares.__getitem__) if place in sharing else place
            value = values[lead]
            if plainly:
                code, name, usual, missing, text, above, below, _ = fields[lead]
                if value is None:
                    text = missing
                elif usual is not None and value != usual:
                    text = above if value > usual else below
                found.append(Reason(code, name, text, share))
            else:
                found.append(self._reason(lead, value, share))
        return tuple(found)

    def _standing(self, shares: Sequence[float]) -> list[float]:
        """Give what stands for a reason: 0 for what may be none, and a code's sum at its first field."""
        standing = list(shares)
        for place in self._protected:
            standing[place] = 0.0
        for first, group in self._sharing.items():
            total = _total(shares, group)
            for place in group:
                standing[place] = 0.0
            standing[first] = total if total > self._noise * len(group) else 0.0
        return standing

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
            Of the fields with a contribution beyond the noise; neither protected fields nor such that may
            not be said are a reason.
        """
        sums = [(_total(shares, group), group) for group in self._groups]
        moving = [(share, group) for share, group in sums if abs(share) > self._noise * len(group)]
        moving.sort(key=lambda pair: -abs(pair[0]))
        leading = [
            (max(group, key=lambda place: shares[place] if share > 0.0 else -shares[place]), share)
            for share, group in moving
        ]
        return tuple([self._reason(place, values[place], share) for place, share in leading])

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
        sums, leading = self._sums(shares)
        noise = self._noise * np.array([len(group) for group in self._groups])
        raising = np.ascontiguousarray(np.where(sums > noise, sums, 0.0))
        n, width = raising.shape
        rows, flat = np.arange(n), raising.ravel()
        which = np.full((n, min(most, width)), -1, dtype=np.intp)
        found = np.zeros(which.shape)
        for place in range(which.shape[1]):
            strongest = raising.argmax(axis=1)  # of several, the first
            cells = rows * width + strongest
            share = found[:, place] = flat[cells]
            field = leading.ravel()[cells]
            kind = field * len(_CASES) + self._cases(field, values[field * n + rows])
            which[:, place] = np.where(share > 0.0, kind, -1)
            flat[cells] = 0.0
        return ReasonTable(self._kinds, which, found)

    def _sums(self, shares: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Add up the contributions of the fields of each reason, and find the strongest one."""
        if not self._shared:
            places = np.array([group[0] for group in self._groups], dtype=np.intp)
            return shares[:, places], np.broadcast_to(places, (len(shares), len(places)))
        sums = np.zeros((len(shares), len(self._groups)))
        leading = np.zeros(sums.shape, dtype=np.intp)
        for place, group in enumerate(self._groups):
            for field in group:
                sums[:, place] += shares[:, field]
            of_group = np.array(group, dtype=np.intp)
            leading[:, place] = of_group[shares[:, of_group].argmax(axis=1)]
        return sums, leading

    def _cases(self, fields: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Tell for a value of each field which of its texts is to be used."""
        usual = self._usual[fields]
        case = np.full(len(values), _PLAIN)
        case[values > usual] = _ABOVE
        case[values < usual] = _BELOW
        case[np.isnan(values)] = _MISSING
        return case

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
            if value is None or place in self._shared:
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
                if words is not None and kinds[kind].field not in self._own:
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
        named = self._schema.missing_names(record)
        texts = {name: self._named(name, words) for name, words in named.items() if name not in self._own}
        reasons = tuple(
            Reason(r.code, r.field, texts[r.field], r.contribution) if r.field in texts else r
            for r in decision.reasons
        )
        return msgspec.structs.replace(decision, reasons=reasons).from_same(decision)

    def _reason(self, place: int, value: Value, share: float) -> Reason:
        code, name, usual, *texts = self._fields[place]
        case = _MISSING if value is None else _PLAIN
        if value is not None and usual is not None and value != usual:
            case = _ABOVE if value > usual else _BELOW
        lowers = share < 0.0 and (case == _PLAIN or name in self._own)
        text = texts[_LOWERS if lowers else case]
        if value is None or not self._show_values or place in self._shared:
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


def _total(shares: Sequence[float], places: Sequence[int]) -> float:
    """Add up from left to right, as columns are; `sum` of newer Pythons rounds otherwise."""
    total = 0.0
    for place in places:
        total += shares[place]
    return total


def _texts(label: str, language: Language, own: str | None) -> tuple[str, ...]:
    """Give the text of each case; the lender's own stands for all in which a field raises the risk."""
    texts = [say(language, f"records.reason_{case}", label=label) for case in _CASES]
    return tuple([own or text for text in texts[:_LOWERS]] + texts[_LOWERS:])


def _codes_of(
    schema: Schema, codes: Sequence[ReasonCode], allowed: Sequence[str] | str | None
) -> list[ReasonCode | None]:
    """Give the lender's code of each field."""
    found = {name: code for code in codes for name in code.fields}
    problems = [f"codes: {name!a} is no field of the schema" for name in found if name not in schema.names]
    problems += [
        f"codes: {code.code!a} is the name of a field that it does not stand for"
        for code in codes
        if code.code in schema.names and code.code not in code.fields
    ]
    known = {*schema.names, *(code.code for code in codes)}
    if allowed is not None and not isinstance(allowed, str):
        problems += [f"allowed: {code!a} is no code of a reason" for code in allowed if code not in known]
    if problems:
        raise SettingsError(problems)
    return [found.get(name) for name in schema.names]


def _unsaid(
    names: Sequence[str], codes: Sequence[ReasonCode | None], allowed: Sequence[str] | str | None
) -> frozenset[int]:
    """Give the fields that may be no reason."""
    if allowed is None:
        return frozenset()
    if isinstance(allowed, str):
        return frozenset(place for place, code in enumerate(codes) if code is None)
    return frozenset(place for place, name in enumerate(names) if name not in allowed)


def _groups(names: Sequence[str], unsaid: frozenset[int]) -> tuple[tuple[int, ...], ...]:
    """Give the fields that may be a reason, those of one code together, each in the order of the schema."""
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if place not in unsaid:
            groups.setdefault(name, []).append(place)
    return tuple(map(tuple, groups.values()))
