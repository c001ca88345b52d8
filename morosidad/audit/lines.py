"""The lines of the decision log as JSON structs with Spanish keys: decisions and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from morosidad.policy.decision import Reason, Score


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
    policy_digest : str
        Identity of the policy's content, where a line names it.
    """

    model: str
    version: str
    digest: str
    schema: str
    policy: str
    cutoffs: Mapping[str, float]
    fields: tuple[str, ...]
    policy_digest: str = ""


class LoggedModel(msgspec.Struct, frozen=True):
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
    Where values may be erased, a line holds `sealed_values` and the name of their `key`, and reasons
    with a contribution of 0, as contributions tell of values; who reads the log gets `values` and
    contributions in their place, or, where there is no such key any more, `forgotten`.
    """

    id: str = ""
    time: datetime = msgspec.field(name="fecha")
    request_id: str | None
    model: LoggedModel = msgspec.field(name="modelo")
    schema: str = msgspec.field(name="esquema")
    policy: str = msgspec.field(name="politica")
    cutoffs: dict[str, float] = msgspec.field(name="cortes")
    values: dict[str, Any] | None = msgspec.field(name="valores")
    values_hash: str | None = msgspec.field(name="valores_hash")
    omitted: list[str] = msgspec.field(name="omitidos")
    probability: float | None = msgspec.field(name="probabilidad")
    probabilities: Sequence[float] | None = msgspec.field(name="probabilidades")
    confidence: float | None = msgspec.field(name="confianza")
    label: int | None = msgspec.field(name="prediccion")
    outcome: str = msgspec.field(name="decision")
    reasons: Sequence[Reason] = msgspec.field(name="motivos")
    warnings: Sequence[str] = msgspec.field(name="advertencias")
    cached: Any = msgspec.field(name="cache")
    degraded: bool = msgspec.field(name="degradado")
    seconds: float = msgspec.field(name="tiempo_procesamiento")
    memory: float | None = msgspec.field(name="memoria_usada")
    cpu: float | None = msgspec.field(name="cpu_usado")
    rules: Sequence[str] = msgspec.field(name="reglas", default=())
    policy_digest: str = msgspec.field(name="politica_digest", default="")
    points: Score | None = msgspec.field(name="puntos", default=None)
    key: str | None = msgspec.field(name="clave", default=None)
    sealed_values: str | None = msgspec.field(name="valores_cifrados", default=None)
    forgotten: bool = msgspec.field(name="olvidada", default=False)


class _KeyName(msgspec.Struct):
    name: str | None = msgspec.field(name="clave", default=None)


_key_names = msgspec.json.Decoder(_KeyName)


def key_name(body: bytes) -> bytes | None:
    """Give the name of the key that a decision's values are encrypted with; None where they are not.

    Parameters
    ----------
    body : bytes
        The line, without what chains it.

    Returns
    -------
    bytes or None
    """
    if b'"clave":"' not in body:
        return None
    try:
        return bytes.fromhex(_key_names.decode(body).name or "") or None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return None


class EventLine(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="tipo", tag="evento"
):
    """An event of the log itself.

    ``perdidas``: decisions that could not be logged; ``reparacion``: bytes of a torn line that
    were cut off; ``faltan``: lines that had been written and are gone; ``sin_cabeza``: the file ``.head``
    was missing, or not authentic.
    """

    id: str = ""
    time: datetime = msgspec.field(name="fecha")
    event: str = msgspec.field(name="evento")
    amount: int = msgspec.field(name="cantidad")
