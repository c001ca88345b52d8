"""Decisions on many records as columns, and their lines made column by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec

from morosidad.audit.lines import DecisionLine
from morosidad.policy.decision import Score
from morosidad.policy.reason_table import ReasonTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Part = bytes | list[bytes]
"""What stands in one place of every line: the same text in all of them, or one for each."""

_SHARE = b'"aporte":'
_encode_lines = msgspec.json.Encoder().encode_lines


class DecisionTable(msgspec.Struct, frozen=True, eq=False):
    """Decisions of one model on many records, column by column.

    Attributes
    ----------
    values : sequence of (ndarray of shape (n,), or sequence)
        The validated values: one column for each field of the context, None or NaN where one is missing.
    probabilities : ndarray of float64, shape (n,)
        Of default.
    labels : ndarray of int8, shape (n,)
        The predicted classes.
    outcomes : sequence of str
        What the policy makes of them.
    warnings : sequence of tuple of str
        What is unusual about each record.
    seconds : float
        How long each decision took.
    reasons : ReasonTable, optional
        Why, where reasons are given.
    request_ids : sequence of str, optional
        The caller's ids.
    rules : sequence of tuple of str, optional
        The codes of the rules that fired, where the policy has any. Where they decline without a score,
        there is no probability.
    points : sequence of (int, float or None), optional
        Where the policy gives any.
    """

    values: Sequence[NDArray[Any] | Sequence[Any]]
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int8]
    outcomes: Sequence[str]
    warnings: Sequence[tuple[str, ...]]
    seconds: float
    reasons: ReasonTable | None = None
    request_ids: Sequence[str | None] | None = None
    rules: Sequence[tuple[str, ...]] | None = None
    points: Sequence[Score | None] | None = None

    def __len__(self) -> int:
        return len(self.probabilities)


def encode_column(column: NDArray[Any] | Sequence[Any]) -> list[bytes]:
    """Encode each value of a column as JSON; NaN is null, as None is.

    Parameters
    ----------
    column : ndarray of shape (n,), or sequence
        Plain values.

    Returns
    -------
    list of bytes
    """
    return _encode_lines(listed(column)).split(b"\n")[:-1]  # the end of a line in a text is escaped


def listed(column: NDArray[Any] | Sequence[Any]) -> Sequence[Any]:
    """Give the plain values of a column.

    Parameters
    ----------
    column : ndarray of shape (n,), or sequence
        A column.

    Returns
    -------
    sequence
    """
    if isinstance(column, Sequence):
        return column
    values: list[Any] = column.tolist()
    return values


def line_bodies(cells: Mapping[str, Sequence[Part]], number: int) -> list[bytes]:
    """Join cells as the objects that `DecisionLine` encodes as.

    Parameters
    ----------
    cells : mapping of str to sequence of parts
        What stands for each attribute of `DecisionLine` that the lines have; for what is left out where it
        is empty, with its name.
    number : int
        How many lines.

    Returns
    -------
    list of bytes
    """
    parts: list[Part] = [b'{"tipo":"decision"']
    for field in msgspec.structs.fields(DecisionLine):
        if field.name in ("rules", "policy_digest", "points"):
            parts += cells[field.name]
        elif field.name in cells:
            parts += [b"," + msgspec.json.encode(field.encode_name) + b":", *cells[field.name]]
    return join_parts([*parts, b"}"], number)


def object_parts(names: Sequence[str], columns: Sequence[list[bytes]]) -> list[Part]:
    """Give the parts of objects that all have the same keys.

    Parameters
    ----------
    names : sequence of str
        The keys.
    columns : sequence of list of bytes
        The values of each, encoded.

    Returns
    -------
    list of parts
    """
    parts: list[Part] = [b"{"]
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        parts += [(b"," if place else b"") + msgspec.json.encode(name) + b":", column]
    return [*parts, b"}"]


def reason_parts(table: ReasonTable) -> list[Part]:
    """Give the parts of the lists of reasons.

    Parameters
    ----------
    table : ReasonTable
        The reasons of each record.

    Returns
    -------
    list of parts
    """
    halves = [msgspec.json.encode(kind).partition(_SHARE) for kind in table.kinds]
    has_share = [*(bool(found) for _, found, _ in halves), False]
    parts: list[Part] = [b"["]
    for place in range(table.which.shape[1]):
        comma = b"," if place else b""
        before = [
            *(comma + half + name for half, name, _ in halves),
            b"",
        ]  # the last one stands for no reason, -1
        after = [*(half.removeprefix(b"0.0") for _, _, half in halves), b""]
        which = table.which[:, place].tolist()
        shares = encode_column(table.contributions[:, place])
        parts += [
            [before[kind] for kind in which],
            [share if has_share[kind] else b"" for kind, share in zip(which, shares, strict=True)],
            [after[kind] for kind in which],
        ]
    return [*parts, b"]"]


def join_parts(parts: Iterable[Part], number: int) -> list[bytes]:
    """Join parts as one text for each line.

    Parameters
    ----------
    parts : iterable of parts
        In the order of the text.
    number : int
        How many lines.

    Returns
    -------
    list of bytes
    """
    merged: list[Part] = [b""]
    for part in parts:
        last = merged[-1]
        if isinstance(part, bytes) and isinstance(last, bytes):
            merged[-1] = last + part
        else:
            merged.append(part)
    columns = [repeat(part, number) if isinstance(part, bytes) else part for part in merged]
    return list(map(b"".join, zip(*columns, strict=True)))
