"""Stacks: a weighted sum of other models' answers and of terms, behind a sigmoid.

Each model's contributions are brought to the scale that is summed, so that all add up to the
log-odds less those of the reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.form import Form, OnLogOdds
from morosidad.compiler.nodes.base import Floats
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema


class Stacked(OnLogOdds, frozen=True, eq=False):
    """``sigmoid(terms + sum of weight times a model's answer)``.

    Attributes
    ----------
    terms : Additive
        The intercept, and the columns that stand beside the models.
    members : tuple of Form
        The models.
    weights : tuple of float
        One for each.
    on_log_odds : tuple of bool
        Whether it is a model's log-odds that are summed, and not its probability.
    limits : tuple of float
        What a model's answer is held between, below and above 0; infinite where it is not.
    narrow : bool
        Whether the original reckons in 32 bits.
    """

    terms: Additive
    members: tuple[Form, ...]
    weights: tuple[float, ...]
    on_log_odds: tuple[bool, ...]
    limits: tuple[float, ...]
    narrow: bool = False

    @property
    def tolerance(self) -> float:
        own = 1e-6 if self.narrow else 1e-12
        return max(own, *(form.tolerance for form in (self.terms, *self.members)))

    @property
    def backend(self) -> str:
        return " and ".join(sorted({form.backend for form in (self.terms, *self.members)}))

    @property
    def shares_equally(self) -> bool:
        return any(form.shares_equally for form in self.members)

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterable[Row]:
        forms = (self.terms, *self.members)
        return chain.from_iterable(form.probes(schema, bases) for form in forms)

    def emit_log_odds(self, code: FunctionSource) -> str:
        parts = [self.terms.emit_log_odds(code)]
        for member, weight, on_log_odds, limit in self._all():
            if on_log_odds and isinstance(member, OnLogOdds):
                answer = member.emit_log_odds(code)
            else:
                answer = member.emit(code)
            parts.append(_weighted(code, answer, weight, limit))
        return code.assign(code.total(parts))

    def emit_log_odds_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        own, *rest = _split(reference)
        z, shares = self.terms.emit_log_odds_reasons(code, own)
        parts, found = [z], [shares]
        for (member, weight, on_log_odds, limit), part in zip(self._all(), rest, strict=True):
            if on_log_odds and isinstance(member, OnLogOdds):
                answer, shares = member.emit_log_odds_reasons(code, part)
            else:
                answer, shares = member.emit_probability_reasons(code, part)
            parts.append(_weighted(code, answer, weight, limit))
            by = code.constant(weight)
            found.append([share if share == NO_SHARE else f"{by} * ({share})" for share in shares])
        by_field = [[share for share in each if share != NO_SHARE] for each in zip(*found, strict=True)]
        added = [code.total([f"({share})" for share in each]) if each else NO_SHARE for each in by_field]
        return code.assign(code.total(parts)), added

    def batch_log_odds(self, batch: ColumnBatch) -> Floats:
        z = self.terms.batch_log_odds(batch)
        for member, weight, on_log_odds, limit in self._all():
            if on_log_odds and isinstance(member, OnLogOdds):
                answer = member.batch_log_odds(batch)
            else:
                answer = member.batch(batch)
            z = z + weight * np.clip(answer, -limit, limit)
        return z

    def batch_log_odds_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        own, *rest = _split(reference)
        z, shares = self.terms.batch_log_odds_reasons(batch, own)
        for (member, weight, on_log_odds, limit), part in zip(self._all(), rest, strict=True):
            if on_log_odds and isinstance(member, OnLogOdds):
                answer, moved = member.batch_log_odds_reasons(batch, part)
            else:
                answer, moved = member.batch_probability_reasons(batch, part)
            z, shares = z + weight * np.clip(answer, -limit, limit), shares + weight * moved
        return z, shares

    def reference(self, batch: ColumnBatch) -> Floats:
        return _join([form.reference(batch) for form in (self.terms, *self.members)])

    def background(self, batch: ColumnBatch) -> Floats:
        return _join([form.background(batch) for form in (self.terms, *self.members)])

    def _all(self) -> list[tuple[Form, float, bool, float]]:
        return list(zip(self.members, self.weights, self.on_log_odds, self.limits, strict=True))


def _weighted(code: FunctionSource, answer: str, weight: float, limit: float) -> str:
    if math.isfinite(limit):
        name, end = code.assign(answer), code.constant(limit)
        answer = f"(-{end} if {name} < -{end} else {end} if {name} > {end} else {name})"
    return f"{code.constant(weight)} * {answer}"


def _join(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([[len(parts), *map(len, parts)], *parts])


def _split(joined: Floats) -> list[Floats]:
    n = int(joined[0])
    return np.split(joined[n + 1 :], np.cumsum(joined[1:n].astype(np.intp)))
