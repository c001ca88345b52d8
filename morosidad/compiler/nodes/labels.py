"""Columns of text that are found in a table, as an encoder behind takes them; no model holds one."""

from __future__ import annotations

from morosidad.compiler.nodes.base import Expr, Key, Position


class Label(Expr, frozen=True):
    """A category found by a position, as rare categories become one.

    Attributes
    ----------
    at : Position
        Where it is found.
    labels : tuple of (str, int, float, bool or None)
        One for each position; None where it is missing.
    keeps_others : bool
        Whether a category that is not among the keys of `at` stays as it is.
    """

    at: Position
    labels: tuple[Key | None, ...]
    keeps_others: bool = False

    def may_be_missing(self, missing: frozenset[int]) -> bool:
        absent = self.at.of.may_be_missing(missing) and self.labels[-1] is None
        return absent or None in self.labels[:-1]
