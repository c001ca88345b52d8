"""Additive table models in machine code, by numba: every look-up and every share in one call.

It adds in the order of the plain source, so that both give the same bits. See `machine` for how the
machine code is kept and called.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.backends.numba.machine import Pointer, emit_row, machine_code, types
from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource, Sum
from morosidad.compiler.nodes.base import Expr, Floats, Position
from morosidad.compiler.nodes.lookups import IntervalPosition
from morosidad.compiler.nodes.terms import Term, whole_term


def write(
    code: FunctionSource, intercept: float, terms: Sequence[Term], n_fields: int, explain: bool
) -> tuple[str, list[str]]:
    """Write a sum of tables, and each field's share of it, as one call: see `python_tables.write`."""
    layout = _Layout(intercept, terms, code.beside, n_fields if explain else 0)
    row = emit_row(code, list(layout.columns))
    add_up, whole, numbers = _add_up(), Pointer(layout.whole()), Pointer(layout.numbers())
    if not explain and code.beside is None:
        arguments = ", ".join(map(code.constant, (whole, numbers)))
        return code.assign(f"{code.constant(add_up)}({arguments}, {row}, None, 0)"), []
    width = (n_fields if explain else 0) + (code.beside is not None)
    nothing = bytes(8 * width)

    def explained(row: bytes) -> tuple[float, list[float]]:
        shares = array("d", nothing)
        z = add_up(whole, numbers, row, shares.buffer_info()[0], explain)
        return z, shares.tolist()

    found = code.assign(f"{code.constant(explained)}({row})")
    names = [f"{found}_{place}" for place in range(width)]
    code.line(f"{found}_z, ({', '.join(names)},) = {found}")
    if code.beside is not None:
        code.beside_total = names.pop()
    used = {field for term in terms for field in term.fields}
    return f"{found}_z", [name if field in used else NO_SHARE for field, name in enumerate(names)]


class _Layout:
    """Tables as whole numbers and floats, one after the other.

    The whole numbers: how many axes, terms, and numbers to be added up beside them, and where the sum of
    those stands among the shares; for each axis the column of the row, where
    its edges begin and how many they are (-1: the column holds the place itself); for each term its
    one or two axes (-1: no second), where its numbers begin, how many the second axis has, its one
    or two fields, and where the two tables begin that the shares differ by.
    """

    def __init__(self, intercept: float, terms: Sequence[Term], beside: Sum | None, place: int) -> None:
        more = [] if beside is None else [whole_term(expr) for expr in beside.terms]
        self._header = [len(terms), -1 if beside is None else len(more), place]
        self.columns: dict[Expr, int] = {}
        self._axes: dict[Position, tuple[int, int, int]] = {}
        self._pieces: list[Floats] = [np.array([intercept, 0.0 if beside is None else beside.start])]
        self._terms: list[tuple[int, ...]] = [self._term(term) for term in (*terms, *more)]

    def whole(self) -> NDArray[np.int32]:
        """Give the whole numbers."""
        header = [len(self._axes), *self._header]
        return np.concatenate([header, *self._axes.values(), *self._terms]).astype(np.int32)

    def numbers(self) -> Floats:
        """Give the floats: the intercept, then what numbers beside the terms are added to, then tables."""
        return np.concatenate(self._pieces)

    def _term(self, term: Term) -> tuple[int, ...]:
        axes = [self._axis(at) for at in term.at]
        start = self._put(term.numbers.ravel())
        if len(axes) == 1:
            return axes[0], -1, start, 0, term.fields[0], 0, 0, 0
        more = [self._put(numbers) for numbers in term.more] or [0, 0]
        return *axes, start, term.at[1].size, *term.fields, *more

    def _axis(self, at: Position) -> int:
        if at not in self._axes:
            source, edges = (at.of, at.edges.values) if isinstance(at, IntervalPosition) else (at, None)
            column = self.columns.setdefault(source, len(self.columns))
            self._axes[at] = (column, 0, -1) if edges is None else (column, self._put(edges), len(edges))
        return list(self._axes).index(at)

    def _put(self, numbers: Floats) -> int:
        start = sum(map(len, self._pieces))
        self._pieces.append(numbers)
        return start


@cache
def _add_up() -> Callable[..., float]:
    numbers = types.CPointer(types.float64)
    signature = types.float64(types.CPointer(types.int32), numbers, numbers, numbers, types.intp)
    pointer = ctypes.c_void_p
    call = ctypes.PYFUNCTYPE(ctypes.c_double, pointer, pointer, ctypes.c_char_p, pointer, ctypes.c_ssize_t)
    return call(machine_code(add_up, signature))


# -- what is compiled --------------------------------------------------------------------------


def add_up(whole: Any, numbers: Any, row: Any, shares: Any, explain: int) -> Any:
    """Add up the tables' numbers for one record, each field's share if it is to be explained, and others."""
    n_axes, n_terms, n_beside = whole[0], whole[1], whole[2]
    places = np.empty(n_axes, np.int64)
    for k in range(n_axes):
        x, start, n = row[whole[4 + 3 * k]], whole[5 + 3 * k], whole[6 + 3 * k]
        low, high = 0, n
        while low < high:  # as bisect_right
            middle = (low + high) // 2
            if x < numbers[start + middle]:
                high = middle
            else:
                low = middle + 1
        places[k] = int(x) if n < 0 else n + 1 if x != x else low
    own, halves, at = numbers[0], 0.0, 4 + 3 * n_axes
    for _ in range(n_terms):
        i, second, start, field = places[whole[at]], whole[at + 1], whole[at + 2], whole[at + 4]
        if second < 0:
            number = numbers[start + i]
            own += number
            if explain:
                shares[field] += number
        else:
            j, other = places[second], whole[at + 5]
            half = numbers[start + i * whole[at + 3] + j]
            halves += half
            if explain:
                more = numbers[whole[at + 6] + i] - numbers[whole[at + 7] + j]
                shares[field] = shares[field] + half + more
                shares[other] = shares[other] + half - more
        at += 8
    if n_beside >= 0:
        total = numbers[1]
        for _ in range(n_beside):
            i, second = places[whole[at]], whole[at + 1]
            total += numbers[whole[at + 2] + (i if second < 0 else i * whole[at + 3] + places[second])]
            at += 8
        shares[whole[3]] = total
    return own + 2.0 * halves
