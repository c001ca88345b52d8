"""Additive models in Python source: every table looked up, the terms and each field's shares added up."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

from morosidad.compiler.backends.python_source import NO_SHARE, FunctionSource
from morosidad.compiler.nodes.base import Expr, Position
from morosidad.compiler.nodes.terms import Term, whole_term


def write(
    code: FunctionSource, intercept: float, terms: Sequence[Term], n_fields: int, explain: bool
) -> tuple[str, list[str]]:
    """Write a sum of terms, and each field's share of it, in Python alone.

    Parameters
    ----------
    code : FunctionSource
        Where it is written.
    intercept : float
        What the terms are added to.
    terms : sequence of Term
        The terms.
    n_fields : int
        Fields of the schema.
    explain : bool
        Whether the shares are wanted.

    Returns
    -------
    total : str
        The variable that holds the sum.
    shares : list of str
        Each field's share, or none where they are not wanted.
    """
    cells = array("d")
    beside = [] if code.beside is None else [whole_term(expr) for expr in code.beside.terms]
    asked = [_columns(term, cells) for term in (*terms, *beside)]
    found = iter(look_up(code, list(chain.from_iterable(asked))))
    own, halves = [code.constant(intercept)], []
    shares: list[list[str]] = [[] for _ in range(n_fields)]
    for term, columns in zip(terms, asked, strict=False):
        names = list(islice(found, len(columns)))
        if len(term.at) < 2:
            own.append(names[0] if names else code.value(term.expr))
            part = own[-1] if len(term.fields) < 2 else f"{own[-1]} / {len(term.fields)}.0"
            for field in term.fields:
                shares[field].append(part)
            continue
        halves.append(code.assign(f"{code.constant(cells)}[{names[0]} + {names[1]}]"))
        if explain:
            more = code.assign(" - ".join(names[2:]))
            for sign, field in zip("+-", term.fields, strict=True):
                shares[field].append(f"{halves[-1]} {sign} {more}")
    if code.beside is not None:
        others = [_whole(code, cells, list(islice(found, len(term.at)))) for term in beside]
        code.beside_total = code.total([code.constant(code.beside.start), *others])
    z = code.total(own)
    z = code.assign(f"{z} + 2.0 * {code.total(halves)}") if halves else z
    return z, [code.total(share) if share else NO_SHARE for share in shares] if explain else []


def _whole(code: FunctionSource, cells: array[float], names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else code.assign(f"{code.constant(cells)}[{names[0]} + {names[1]}]")


def _columns(term: Term, cells: array[float]) -> list[tuple[Position, Sequence[float]]]:
    """Say what has to be looked up for a term, and where.

    The numbers of all pairs go into one array, so that they lie close together: of a pair it is
    asked where a row begins, and the place in the row.
    """
    if len(term.at) < 2:
        return [(at, term.numbers.tolist()) for at in term.at]
    width, begin = term.at[1].size, len(cells)
    cells.extend(term.numbers.ravel().tolist())
    places = zip(term.at, (range(begin, len(cells), width), range(width)), strict=True)
    return [*places, *((at, more.tolist()) for at, more in zip(term.at, term.more, strict=False))]


def look_up(code: FunctionSource, columns: Sequence[tuple[Position, Sequence[Any]]]) -> list[str]:
    """Write many look-ups, those by one expression as one, and name what each found.

    Parameters
    ----------
    code : FunctionSource
        Where they are written.
    columns : sequence of (Position, sequence)
        Where to look, and the item for each position.

    Returns
    -------
    list of str
        The variable that holds each item found.
    """
    keys = [(at, tuple(items)) for at, items in columns]
    groups: dict[tuple[type, Expr], dict[Any, None]] = {}
    for at, items in keys:
        groups.setdefault((type(at), at.of), {})[at, items] = None
    names: dict[Any, str] = {}
    for group in groups.values():
        ats = list(dict.fromkeys(at for at, _ in group))
        union, maps = ats[0].union(ats)
        place = dict(zip(ats, maps, strict=True))
        spread = [[items[i] for i in place[at]] for at, items in group]
        found = code.assign(
            union.emit_item(code, list(zip(*spread, strict=True)) if spread[1:] else spread[0])
        )
        parts = [f"{found}_{i}" for i in range(len(group))] if spread[1:] else [found]
        if spread[1:]:
            code.line(f"{', '.join(parts)} = {found}")
        names |= dict(zip(group, parts, strict=True))
    return [names[key] for key in keys]
