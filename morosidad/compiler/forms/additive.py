"""Models that are a sum of terms: linear models and table models.

The contributions of such a model are exact. A term of one field is that field's; a term of two is
shared between them by the Shapley rule: each gets the mean of what it adds when it comes first and
when it comes last, a field that has not come yet being as it is in the reference rows. What a
field gets is measured against what it gets on average over those rows, so that the contributions
add up to the log-odds less the mean log-odds of the reference.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, cycle, islice
from typing import NamedTuple

import numpy as np

from morosidad.compiler.backends.numpy_columns import Batch
from morosidad.compiler.backends.python_source import Code
from morosidad.compiler.forms.form import NOTHING, OnLogOdds
from morosidad.compiler.nodes.expressions import Expr, Fill, Floats, Raw, fields_of, walk
from morosidad.compiler.nodes.lookups import Grid, Interval, Lookup, Position, look_up
from morosidad.compiler.proof.parity import changed
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

MAX_EDGES = 500
"""So many edges of each field are tried by the parity gate at most, evenly over all."""


class Part(NamedTuple):
    """A term as it is written.

    Attributes
    ----------
    term : Expr
        The term itself.
    fields : tuple of int
        The fields that have a share of it.
    at : tuple of Position
        Where its number is found: none where it is computed, two for what two fields do together.
    numbers : ndarray
        What is found there. Of two fields, it is half of the number.
    more : tuple of ndarray
        Of two fields, for each place of either: the first one's share is what is found, and more by
        the first of these less the second; the other's is less by the same.
    """

    term: Expr
    fields: tuple[int, ...]
    at: tuple[Position, ...] = ()
    numbers: Floats = np.empty(0)
    more: tuple[Floats, ...] = ()


class Additive(OnLogOdds, frozen=True, eq=False):
    """``sigmoid(intercept + sum of terms)``.

    Attributes
    ----------
    intercept : float
        On the log-odds scale, as the terms are.
    terms : tuple of Expr
        Each depends on one field, or is a `Grid` of two.
    n_fields : int
        Fields of the schema.
    """

    intercept: float
    terms: tuple[Expr, ...]
    n_fields: int

    def emit_log_odds(self, code: Code) -> str:
        return self._write(code, [_part(term) for term in self.terms], explain=False)[0]

    def emit_log_odds_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        means, rest = reference[: self.n_fields].copy(), reference[self.n_fields :]
        parts: list[Part] = []
        for part in map(_part, self.terms):
            if len(part.at) == 2:
                *more, mean, rest = np.split(rest, np.cumsum([*(at.size for at in part.at), 1]))
                means[list(part.fields)] += mean / 2.0
                part = part._replace(more=tuple(numbers / 2.0 for numbers in more))
            parts.append(part)
        z, shares = self._write(code, parts, explain=True)
        return z, [
            share if share == NOTHING else f"{share} - {code.constant(mean)}"
            for share, mean in zip(shares, means.tolist(), strict=True)
        ]

    def _write(self, code: Code, parts: Sequence[Part], *, explain: bool) -> tuple[str, list[str]]:
        write = write_plainly
        if all(part.at for part in parts) and any(len(part.at) == 2 for part in parts):
            with suppress(ImportError):  # numba may not be installed
                from morosidad.compiler.backends.numba.tables import write
        return write(code, self.intercept, parts, self.n_fields, explain)

    def probes(self, schema: Schema, bases: Sequence[Row]) -> Iterator[Row]:
        turns = cycle(bases)
        for place, edges in self._edges().items():
            whole = schema.fields[place].kind != "number"
            for edge in sorted(edges)[:: math.ceil(len(edges) / MAX_EDGES) or 1]:
                below = math.ceil(edge) - 1 if whole else math.nextafter(edge, -math.inf)
                for value in (below, math.ceil(edge) if whole else edge):
                    yield changed(next(turns), place, value)

    def _edges(self) -> dict[int, set[float]]:
        """Collect where the tables of each field's number begin another interval."""
        edges: dict[int, set[float]] = {}
        for node in chain.from_iterable(map(walk, self.terms)):
            at = node.at if isinstance(node, Lookup) else node
            if isinstance(at, Interval):
                source = at.of.of if isinstance(at.of, Fill) else at.of
                if isinstance(source, Raw):
                    edges.setdefault(source.field, set()).update(at.edges.values.tolist())
        return edges

    def batch_log_odds(self, batch: Batch) -> Floats:
        z = np.full(len(batch), self.intercept)
        for term in self.terms:
            z += batch.value(term)
        return z

    def reference(self, batch: Batch) -> Floats:
        means = np.zeros(self.n_fields)
        rest: list[Floats] = []
        for part in map(_part, self.terms):
            if len(part.at) == 2:
                rest.append(_marginals(part, batch))
            else:
                means[list(part.fields)] += batch.value(part.term).mean()
        return np.concatenate([means, *rest])


def _part(term: Expr) -> Part:
    fields = tuple(sorted(fields_of(term)))
    if isinstance(term, Lookup):
        return Part(term, fields, (term.at,), term.numbers)
    if isinstance(term, Grid) and len(fields) == 2:
        fields = min(fields_of(term.first)), min(fields_of(term.second))
        return Part(term, fields, (term.first, term.second), term.cells.values / 2.0)
    return Part(term, fields)


def _marginals(part: Part, batch: Batch) -> Floats:
    """Give what two fields' number is on average for each place of the first, of the second, and at all."""
    cells = 2.0 * part.numbers
    first, second = (batch.position(at) for at in part.at)
    weights = [
        np.bincount(p, minlength=n) / len(batch) for p, n in zip((first, second), cells.shape, strict=True)
    ]
    return np.concatenate([cells @ weights[1], weights[0] @ cells, [cells[first, second].mean()]])


def write_plainly(
    code: Code, intercept: float, parts: Sequence[Part], n_fields: int, explain: bool
) -> tuple[str, list[str]]:
    """Write a sum of terms, and each field's share of it, in Python alone.

    Parameters
    ----------
    code : Code
        Where it is written.
    intercept : float
        What the terms are added to.
    parts : sequence of Part
        The terms.
    n_fields : int
        Fields of the schema.
    explain : bool
        Whether the shares are wanted.
    """
    cells = array("d")
    asked = [_columns(part, cells) for part in parts]
    found = iter(look_up(code, list(chain.from_iterable(asked))))
    own, halves = [code.constant(intercept)], []
    shares: list[list[str]] = [[] for _ in range(n_fields)]
    for part, columns in zip(parts, asked, strict=True):
        names = list(islice(found, len(columns)))
        if len(part.at) < 2:
            own.append(names[0] if names else code.value(part.term))
            for field in part.fields:
                shares[field].append(own[-1])
            continue
        halves.append(code.assign(f"{code.constant(cells)}[{names[0]} + {names[1]}]"))
        if explain:
            more = code.assign(" - ".join(names[2:]))
            for sign, field in zip("+-", part.fields, strict=True):
                shares[field].append(f"{halves[-1]} {sign} {more}")
    z = code.total(own)
    z = code.assign(f"{z} + 2.0 * {code.total(halves)}") if halves else z
    return z, [code.total(share) if share else NOTHING for share in shares] if explain else []


def _columns(part: Part, cells: array[float]) -> list[tuple[Position, Sequence[float]]]:
    """Say what has to be looked up for a term, and where.

    The numbers of all pairs go into one array, so that they lie close together: of a pair it is
    asked where a row begins, and the place in the row.
    """
    if len(part.at) < 2:
        return [(at, part.numbers.tolist()) for at in part.at]
    width, begin = part.at[1].size, len(cells)
    cells.extend(part.numbers.ravel().tolist())
    places = zip(part.at, (range(begin, len(cells), width), range(width)), strict=True)
    return [*places, *((at, more.tolist()) for at, more in zip(part.at, part.more, strict=False))]
