"""Mixtures: weighted means of several models' probabilities.

Each member's contributions are brought to the probability scale (see `form.emit_along_chord`), and
their mean adds up to the difference between the mean probability and that of the reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import chain
from operator import add

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.forms.form import Form, OnProbability
from morosidad.compiler.nodes.base import Floats
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema


class Several(Form, frozen=True, eq=False):
    """A form made of several others, each with a weight."""

    members: tuple[Form, ...]
    weights: tuple[float, ...]

    @property
    def tolerance(self) -> float:
        return max(member.tolerance for member in self.members)

    @property
    def backend(self) -> str:
        return " and ".join(sorted({member.backend for member in self.members}))

    @property
    def shares_equally(self) -> bool:
        return any(member.shares_equally for member in self.members)

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterable[Row]:
        return chain.from_iterable(member.probes(schema, bases) for member in self.members)

    def reference(self, batch: ColumnBatch) -> Floats:
        return join_references([member.reference(batch) for member in self.members])

    def background(self, batch: ColumnBatch) -> Floats:
        return join_references([member.background(batch) for member in self.members])


class Mean(Several, OnProbability, frozen=True, eq=False):
    """The weighted mean of several models' probabilities.

    Attributes
    ----------
    members : tuple of Form
        The models.
    weights : tuple of float
        One for each; they need not add up to 1.
    """

    @property
    def whole(self) -> float:
        """The sum of the weights, added up as the members are: `sum` compensates from Python 3.12 on."""
        return reduce(add, self.weights)

    def emit(self, code: FunctionSource) -> str:
        return self._emit_mean(code, [member.emit(code) for member in self.members])

    def emit_reasons(self, code: FunctionSource, reference: Floats) -> tuple[str, Sequence[str]]:
        answers = [
            member.emit_probability_reasons(code, part)
            for member, part in zip(self.members, split_references(reference), strict=True)
        ]
        by_field = zip(*(shares for _, shares in answers), strict=True)
        return self._emit_mean(code, [p for p, _ in answers]), [
            NO_SHARE if set(shares) == {NO_SHARE} else self._emit_mean(code, shares) for shares in by_field
        ]

    def _emit_mean(self, code: FunctionSource, numbers: Sequence[str]) -> str:
        weighted = zip(numbers, self.weights, strict=True)
        parts = [f"{number} * {code.constant(weight)}" for number, weight in weighted]
        return code.assign(f"{code.total(parts)} / {code.constant(self.whole)}")

    def batch(self, batch: ColumnBatch) -> Floats:
        total = np.zeros(len(batch))
        for member, weight in zip(self.members, self.weights, strict=True):
            total += member.batch(batch) * weight
        return total / self.whole

    def batch_reasons(self, batch: ColumnBatch, reference: Floats) -> tuple[Floats, Floats]:
        parts = zip(self.members, split_references(reference), self.weights, strict=True)
        answers = [(*m.batch_probability_reasons(batch, part), weight) for m, part, weight in parts]
        total: Floats = reduce(add, [shares * weight for _, shares, weight in answers])
        return reduce(add, [p * weight for p, _, weight in answers]) / self.whole, total / self.whole


def join_references(parts: Sequence[Floats]) -> Floats:
    """Put arrays one after the other, behind their number and their lengths."""
    return np.concatenate([[len(parts), *map(len, parts)], *parts])


def split_references(joined: Floats) -> list[Floats]:
    """Take them apart again."""
    n = int(joined[0])
    return np.split(joined[n + 1 :], np.cumsum(joined[1:n].astype(np.intp)))
