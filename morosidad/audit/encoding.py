"""The encoder of decisions and events as the bodies of lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Literal

import msgspec
import numpy as np

from morosidad.audit.erasure.sealing import Sealer, seal_all
from morosidad.audit.lines import AuditContext, DecisionLine, EventLine, LoggedModel
from morosidad.audit.personal_data import encode_numpy, hash_text, hash_values, names_a_person
from morosidad.audit.protocols import DecisionLike
from morosidad.audit.table import (
    DecisionTable,
    Part,
    encode_column,
    join_parts,
    line_bodies,
    listed,
    object_parts,
    reason_parts,
)
from morosidad.audit.usage import Usage
from morosidad.policy.decision import Decision, Reason, Score
from morosidad.policy.reason_table import ReasonTable

LoggedValues = Literal["full", "hash", "none"]

_MODELS = 16  # contexts of which is kept what their lines share


class LineEncoder:
    """Turns decisions and events into the bodies of lines.

    Parameters
    ----------
    values : {"full", "hash", "none"}
        What to keep of an applicant's values.
    key : bytes or None
        Keys the hash of the values.
    sealer : Sealer, optional
        Encrypts the values, with ``values="full"``.
    """

    def __init__(self, values: LoggedValues, key: bytes | None, sealer: Sealer | None = None) -> None:
        self._values = values
        self._key = key
        self._sealer = sealer
        self._plain = values == "full" and sealer is None
        self._encode = msgspec.json.Encoder(enc_hook=encode_numpy).encode
        self._constants: dict[int, _ModelConstants] = {}

    def decision(
        self,
        context: AuditContext,
        decision: DecisionLike,
        values: Sequence[Any] | Mapping[str, Any],
        seconds: float,
        when: float,
        usage: Usage,
    ) -> bytes:
        """Encode a decision; whatever exception the decision's own attributes raise comes through."""
        constants = self._constants.get(id(context)) or self._constants_of(context)
        kept, omitted = constants.kept(values)
        reasons = _reasons(decision, constants.personal if self._plain else None)
        sealed = None
        if self._sealer is not None:
            shares = [reason.contribution for reason in reasons]
            sealed = self._sealer.seal(self._encode([kept, shares]), decision.request_id)
            reasons = [msgspec.structs.replace(reason, contribution=0.0) for reason in reasons]
        line = DecisionLine(
            time=_utc(when),
            request_id=decision.request_id,
            model=constants.model,
            schema=context.schema,
            policy=context.policy,
            cutoffs=constants.cutoffs,
            values=kept if self._plain else None,
            values_hash=hash_values(kept, self._key) if self._values == "hash" and self._key else None,
            omitted=omitted,
            probability=decision.probability,
            probabilities=decision.probabilities,
            confidence=decision.confidence,
            label=decision.label,
            outcome=decision.outcome,
            reasons=reasons,
            warnings=decision.warnings,
            cached=decision.cached,
            degraded=decision.degraded,
            seconds=seconds,
            memory=usage[0],
            cpu=usage[1],
            rules=getattr(decision, "rules", ()),
            policy_digest=context.policy_digest,
            points=getattr(decision, "points", None),
            key=None if sealed is None else sealed.name,
            sealed_values=None if sealed is None else sealed.text,
        )
        return self._encode(line)

    def decisions(
        self, context: AuditContext, table: DecisionTable, when: float, usage: Usage
    ) -> list[bytes]:
        """Encode many decisions, each as `decision` does."""
        constants = self._constants.get(id(context)) or self._constants_of(context)
        encode = self._encode
        kept, omitted = constants.kept_columns(table.values)
        other = 1.0 - table.probabilities
        names, columns = list(kept), [encode_column(column) for column in kept.values()]
        shares = encode_column(other), encode_column(table.probabilities)
        unscored = np.isnan(other)
        both: list[Part] = [b"[", shares[0], b",", shares[1], b"]"]
        if unscored.any():
            each = zip(unscored.tolist(), join_parts(both, len(table)), strict=True)
            both = [[b"null" if gap else pair for gap, pair in each]]
        labels = [None if gap else x for gap, x in zip(unscored, table.labels.tolist(), strict=True)]
        cells: dict[str, Sequence[Part]] = {
            "time": [encode(_utc(when))],
            "request_id": [b"null" if table.request_ids is None else encode_column(table.request_ids)],
            "model": [encode(constants.model)],
            "schema": [encode(context.schema)],
            "policy": [encode(context.policy)],
            "cutoffs": [encode(constants.cutoffs)],
            "values": object_parts(names, columns) if self._plain else [b"null"],
            "values_hash": [self._hashes(kept, len(table)) if self._values == "hash" else b"null"],
            "omitted": [encode(omitted)],
            "probability": [shares[1]],
            "probabilities": both,
            "confidence": [encode_column(np.maximum(table.probabilities, other))],
            "label": [encode_column(labels)],
            "outcome": [encode_column(table.outcomes)],
            "reasons": [b"[]"]
            if table.reasons is None
            else reason_parts(self._kept(table.reasons, constants)),
            "warnings": [encode_column(table.warnings) if any(table.warnings) else b"[]"],
            "cached": [b"null"],
            "degraded": [b"false"],
            "seconds": [encode(table.seconds)],
            "memory": [encode(usage[0])],
            "cpu": [encode(usage[1])],
            "rules": [] if table.rules is None else [_given(b',"reglas":', table.rules)],
            "policy_digest": [self._named(context)],
            "points": [] if table.points is None else [_each(b',"puntos":', table.points)],
        }
        if self._sealer is not None:
            ids = table.request_ids or repeat(None)
            shares_of = b"[]" if table.reasons is None else encode_column(table.reasons.shares())
            parts = [b"[", *object_parts(names, columns), b",", shares_of, b"]"]
            texts = join_parts(parts, len(table))
            cells["key"], cells["sealed_values"] = ([part] for part in seal_all(self._sealer, texts, ids))
        return line_bodies(cells, len(table))

    def _named(self, context: AuditContext) -> bytes:
        digest = context.policy_digest
        return b',"politica_digest":' + self._encode(digest) if digest else b""

    def write_keys(self) -> None:
        """Write the keys of sealed values; comes before the lines that hold them.

        Raises
        ------
        OSError
            They can't be written; the next call tries again.
        """
        if self._sealer is not None:
            self._sealer.write()

    def _kept(self, reasons: ReasonTable, constants: _ModelConstants) -> ReasonTable:
        """Take out of the reasons the values that the log may not hold, and shares that tell of them."""
        personal = constants.personal if self._plain else None
        kinds, shares = _without_values(reasons.kinds, personal), reasons.contributions
        return ReasonTable(kinds, reasons.which, np.zeros_like(shares) if self._sealer else shares)

    def _hashes(self, kept: Mapping[str, Any], number: int) -> list[bytes]:
        """Hash the values of each row, as `hash_values` does."""
        assert self._key is not None
        parts: list[Part] = []
        for field in sorted(kept):
            name = b"," + self._encode(field) + b":"
            cells = encode_column([float(v) if type(v) is int else v for v in listed(kept[field])])
            parts.append([b"" if cell == b"null" else name + cell for cell in cells])
        texts = (b"{" + text[1:] + b"}" for text in join_parts(parts, number))
        return [b'"%b"' % hash_text(text, self._key).encode() for text in texts]

    def _constants_of(self, context: AuditContext) -> _ModelConstants:
        if len(self._constants) >= _MODELS:
            self._constants.clear()
        constants = self._constants[id(context)] = _ModelConstants(context, whole=self._values == "full")
        return constants

    def event(self, event: str, amount: int, when: float) -> bytes:
        """Encode an event of the log itself."""
        return self._encode(EventLine(time=_utc(when), event=event, amount=amount))


class _ModelConstants:
    """What the lines of one model have in common, made once."""

    __slots__ = ("_fields", "_row", "context", "cutoffs", "model", "personal")

    def __init__(self, context: AuditContext, *, whole: bool) -> None:
        self.context = context  # as long as it is held, its id is its own
        self.model = LoggedModel(context.model, context.version, context.digest)
        self.cutoffs = dict(context.cutoffs)
        self._fields = context.fields
        self.personal = [field for field in context.fields if names_a_person(field)]
        self._row = _make_row_struct(context.fields) if whole and not self.personal else None

    def kept(self, values: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, list[str]]:
        """Give the values that a line may hold, by field, and the fields left out as personal."""
        if type(values) is tuple and self._row is not None:
            return self._row(*values), []
        if isinstance(values, Mapping):
            kept = {field: values[field] for field in self._fields if field in values}
        else:
            kept = dict(zip(self._fields, values, strict=True))
        omitted = [field for field in self.personal if field in kept]
        for field in omitted:
            del kept[field]
        return kept, omitted

    def kept_columns(self, columns: Sequence[Any]) -> tuple[dict[str, Any], list[str]]:
        """Give the columns that lines may hold, by field, and the fields left out as personal."""
        kept = dict(zip(self._fields, columns, strict=True))
        for field in self.personal:
            del kept[field]
        return kept, list(self.personal)


def _make_row_struct(fields: Sequence[str]) -> Callable[..., msgspec.Struct] | None:
    """Make a struct that encodes as the dictionary of its fields would, in a third of the time."""
    names = {f"field_{place}": field for place, field in enumerate(fields)}
    try:
        return msgspec.defstruct("Row", list(names), rename=names, gc=False)
    except ValueError:  # a name that JSON has to escape
        return None


def _reasons(decision: DecisionLike, personal: Sequence[str] | None) -> Sequence[Reason]:
    """Give the reasons, without the values that the log may not hold: of personal fields, or None for all."""
    if isinstance(decision, Decision):
        if all(reason.value is None for reason in decision.reasons):
            return decision.reasons
        return _without_values(decision.reasons, personal)
    return [Reason(r.code, r.field, r.text, r.contribution) for r in decision.reasons]


def _given(name: bytes, lists: Sequence[tuple[str, ...]]) -> list[bytes]:
    """Encode lists under a name; what is empty is left out."""
    texts: dict[tuple[str, ...], bytes] = {(): b""}
    for one in lists:
        if one not in texts:
            texts[one] = name + msgspec.json.encode(one)
    return [texts[one] for one in lists]


def _each(name: bytes, values: Sequence[Score | None]) -> list[bytes]:
    """Encode numbers under a name; None is left out."""
    encoded = encode_column(values)
    return [b"" if value is None else name + text for value, text in zip(values, encoded, strict=True)]


def _without_values(reasons: Sequence[Reason], personal: Sequence[str] | None) -> list[Reason]:
    return [
        reason.without_value() if personal is None or reason.field in personal else reason
        for reason in reasons
    ]


def _utc(when: float) -> datetime:
    return datetime.fromtimestamp(when, UTC)
