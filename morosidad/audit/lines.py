"""What a line of the decision log says, in Spanish, as a regulator reads it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import msgspec

from morosidad.audit.chain import digest_of
from morosidad.audit.usage import Usage
from morosidad.policy.decision import Decision, Reason

Values = Literal["full", "hash", "none"]

_MODELS = 16  # contexts of which is kept what their lines share

# Words that mark a field as a person's name or the number of a document.
_IDENTITY = {
    "nombre", "nombres", "apellido", "apellidos", "cedula", "documento", "dni", "nie", "nif", "nit",
    "pasaporte", "rfc", "curp", "rut", "cpf", "name", "names", "firstname", "lastname", "surname",
    "passport", "ssn",
}  # fmt: skip


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
    def probability(self) -> float:
        """The probability of default."""
        ...

    @property
    def probabilities(self) -> Sequence[float]:
        """The probability of each class."""
        ...

    @property
    def label(self) -> int:
        """The predicted class."""
        ...

    @property
    def confidence(self) -> float:
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


class AuditContext(msgspec.Struct, frozen=True, kw_only=True):
    """What all decisions of one model have in common.

    Attributes
    ----------
    model, version, digest : str
        The model's name and version, and the digest of its file.
    schema, policy : str
        Versions of the schema and of the policy.
    cutoffs : mapping
        The policy's cut-offs in force, by name.
    fields : tuple of str
        The schema's fields. Nothing else of a record is logged.
    """

    model: str
    version: str
    digest: str
    schema: str
    policy: str
    cutoffs: Mapping[str, float]
    fields: tuple[str, ...]


class Model(msgspec.Struct, frozen=True):
    """The model that decided."""

    name: str = msgspec.field(name="nombre")
    version: str
    digest: str


class DecisionLine(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="tipo", tag="decision"
):
    """One decision, as the log keeps it.

    `values` is None where the log keeps a hash or nothing; `omitted` are fields that would name
    a person and are never written; `memory` and `cpu` are percentages in use at the writing.
    """

    id: str = ""
    time: datetime = msgspec.field(name="fecha")
    request_id: str | None
    model: Model = msgspec.field(name="modelo")
    schema: str = msgspec.field(name="esquema")
    policy: str = msgspec.field(name="politica")
    cutoffs: dict[str, float] = msgspec.field(name="cortes")
    values: dict[str, Any] | None = msgspec.field(name="valores")
    values_hash: str | None = msgspec.field(name="valores_hash")
    omitted: list[str] = msgspec.field(name="omitidos")
    probability: float = msgspec.field(name="probabilidad")
    probabilities: Sequence[float] = msgspec.field(name="probabilidades")
    confidence: float = msgspec.field(name="confianza")
    label: int = msgspec.field(name="prediccion")
    outcome: str = msgspec.field(name="decision")
    reasons: Sequence[Reason] = msgspec.field(name="motivos")
    warnings: Sequence[str] = msgspec.field(name="advertencias")
    cached: Any = msgspec.field(name="cache")
    degraded: bool = msgspec.field(name="degradado")
    seconds: float = msgspec.field(name="tiempo_procesamiento")
    memory: float | None = msgspec.field(name="memoria_usada")
    cpu: float | None = msgspec.field(name="cpu_usado")


class EventLine(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="tipo", tag="evento"
):
    """Something that befell the log itself.

    ``perdidas``: decisions that could not be logged; ``reparacion``: bytes of a torn line that
    were cut off; ``faltan``: lines that had been written and are gone.
    """

    id: str = ""
    time: datetime = msgspec.field(name="fecha")
    event: str = msgspec.field(name="evento")
    amount: int = msgspec.field(name="cantidad")


class LineEncoder:
    """Turns decisions and events into the bodies of lines.

    Parameters
    ----------
    values : {"full", "hash", "none"}
        What to keep of an applicant's values.
    key : bytes or None
        Keys the hash of the values.
    """

    def __init__(self, values: Values, key: bytes | None) -> None:
        self._values = values
        self._key = key
        self._encode = msgspec.json.Encoder(enc_hook=_plain).encode
        self._fixed: dict[int, _Fixed] = {}

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
        fixed = self._fixed.get(id(context)) or self._fix(context)
        kept, omitted = fixed.kept(values)
        line = DecisionLine(
            time=_utc(when),
            request_id=decision.request_id,
            model=fixed.model,
            schema=context.schema,
            policy=context.policy,
            cutoffs=fixed.cutoffs,
            values=kept if self._values == "full" else None,
            values_hash=hash_values(kept, self._key) if self._values == "hash" and self._key else None,
            omitted=omitted,
            probability=decision.probability,
            probabilities=decision.probabilities,
            confidence=decision.confidence,
            label=decision.label,
            outcome=decision.outcome,
            reasons=_reasons(decision),
            warnings=decision.warnings,
            cached=decision.cached,
            degraded=decision.degraded,
            seconds=seconds,
            memory=usage[0],
            cpu=usage[1],
        )
        return self._encode(line)

    def _fix(self, context: AuditContext) -> _Fixed:
        if len(self._fixed) >= _MODELS:
            self._fixed.clear()
        fixed = self._fixed[id(context)] = _Fixed(context, whole=self._values == "full")
        return fixed

    def event(self, event: str, amount: int, when: float) -> bytes:
        """Encode an event of the log itself."""
        return self._encode(EventLine(time=_utc(when), event=event, amount=amount))


class _Fixed:
    """What the lines of one model have in common, made once."""

    __slots__ = ("_fields", "_personal", "_row", "context", "cutoffs", "model")

    def __init__(self, context: AuditContext, *, whole: bool) -> None:
        self.context = context  # as long as it is held, its id is its own
        self.model = Model(context.model, context.version, context.digest)
        self.cutoffs = dict(context.cutoffs)
        self._fields = context.fields
        self._personal = [field for field in context.fields if names_a_person(field)]
        self._row = _row_of(context.fields) if whole and not self._personal else None

    def kept(self, values: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, list[str]]:
        """Give the values that a line may hold, by field, and the fields left out as personal."""
        if type(values) is tuple and self._row is not None:
            return self._row(*values), []
        if isinstance(values, Mapping):
            kept = {field: values[field] for field in self._fields if field in values}
        else:
            kept = dict(zip(self._fields, values, strict=True))
        omitted = [field for field in self._personal if field in kept]
        for field in omitted:
            del kept[field]
        return kept, omitted


def _row_of(fields: Sequence[str]) -> Callable[..., msgspec.Struct] | None:
    """Make a struct that encodes as the dictionary of its fields would, in a third of the time."""
    names = {f"field_{place}": field for place, field in enumerate(fields)}
    try:
        return msgspec.defstruct("Row", list(names), rename=names, gc=False)
    except ValueError:  # a name that JSON has to escape
        return None


def hash_values(values: Mapping[str, Any], key: bytes) -> str:
    """Hash an applicant's values as the log does with ``values="hash"``.

    With the key, whoever has a record can show that a line is about it; without the key, a hash
    tells nothing.

    Parameters
    ----------
    values : mapping
        The validated values by field.
    key : bytes
        The log's key.

    Returns
    -------
    str
        HMAC-SHA256 of the values as JSON, fields sorted, missing values left out and integers written
        as floats, in hex.
    """
    present = {
        field: float(value) if type(value) is int else value  # a scorer logs integers as models see them
        for field, value in values.items()
        if value is not None
    }
    return digest_of(b"valores:" + msgspec.json.encode(present, enc_hook=_plain, order="sorted"), key)


def names_a_person(field: str) -> bool:
    """Tell whether a field, by its name, holds a person's name or the number of a document."""
    plain = unicodedata.normalize("NFKD", field.lower())
    words = set(re.findall(r"[a-z]+", "".join(c for c in plain if not unicodedata.combining(c))))
    return bool(words & _IDENTITY) and "tipo" not in words


def _reasons(decision: DecisionLike) -> Sequence[Reason]:
    if isinstance(decision, Decision):
        return decision.reasons
    return [Reason(r.code, r.field, r.text, r.contribution) for r in decision.reasons]


def _plain(value: Any) -> Any:
    """Turn numpy's scalars and arrays into plain values."""
    return value.tolist()


def _utc(when: float) -> datetime:
    return datetime.fromtimestamp(when, UTC)
