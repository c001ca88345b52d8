"""The evaluator of trees that numba compiles: one record, many, and their contributions."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cached_property, partial

from morosidad.compiler.backends.numba.background import background_shares
from morosidad.compiler.backends.numba.layout import for_shares, for_walk
from morosidad.compiler.backends.numba.machine import Pointer, emit_row
from morosidad.compiler.backends.numba.ranks import rank
from morosidad.compiler.backends.numba.reference_shares import reference_shares
from morosidad.compiler.backends.numba.single_row import by_counts, one_record, shares_of_one
from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.backends.python_trees import PythonWalker
from morosidad.compiler.backends.shapley import weights
from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.nodes.trees import Trees


class NumbaWalker:
    """A walker compiled by numba.

    Parameters
    ----------
    trees : Trees
        What it evaluates.
    """

    name = "numba"
    alike = True

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._block = for_walk(trees)
        self._shares: tuple[bytes, Callable[[Floats], Floats]] | None = None

    def emit_row(self, code: FunctionSource) -> str:
        return emit_row(code, self._trees.columns)

    def emit_total(self, code: FunctionSource, row: str) -> str:
        block = code.constant(Pointer(self._block))
        return code.assign(f"{code.constant(one_record())}({block}, {row})")

    def emit_shares(self, code: FunctionSource, row: str, reference: Floats) -> str:
        trees, n = self._trees, len(self._trees.players)
        laid_out = for_shares(trees, reference)
        if laid_out is None:
            python = PythonWalker(trees)
            return python.emit_shares(code, python.emit_row(code), reference)
        add_up, nothing = shares_of_one(), bytes(8 * n)
        block, roots, fields = (Pointer(data) for data in (*laid_out[:2], trees.player_of_column))
        table, n_trees, leaves = Pointer(by_counts(weights(n, trees.weight))), trees.n_trees, laid_out[2]

        def shares(row: bytes) -> list[float]:
            found = array("d", nothing)
            add_up(block, roots, n_trees, leaves, row, fields, table, n, found.buffer_info()[0])
            return found.tolist()

        return code.assign(f"{code.constant(shares)}({row})")

    def emit_mean_shares(self, code: FunctionSource, row: str, background: Floats) -> str:
        found = background_shares(self._trees, background)
        if found is None:
            python = PythonWalker(self._trees)
            return python.emit_mean_shares(code, python.emit_row(code), background)
        return code.assign(f"{code.constant(found.of_row)}({row})")

    def shares(self, table: Floats, background: Floats) -> Floats:
        given, prepared = background.tobytes(), self._shares
        if prepared is None or prepared[0] != given:
            prepared = self._shares = given, self._shares_against(background)
        return prepared[1](table)

    def _shares_against(self, background: Floats) -> Callable[[Floats], Floats]:
        alone = len(background) == 1
        found = (
            reference_shares(self._trees, background[0])
            if alone
            else background_shares(self._trees, background)
        )
        return found or partial(PythonWalker(self._trees).shares, background=background)

    def totals(self, table: Floats) -> Floats:
        return self._many(table)

    @cached_property
    def _many(self) -> Callable[[Floats], Floats]:
        from morosidad.compiler.backends.numba.many_rows import RankWalk

        ranks = rank(self._trees)
        return PythonWalker(self._trees).totals if ranks is None else RankWalk(self._trees, ranks)
