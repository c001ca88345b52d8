"""Expressions against two judges: pandas where all values are there, Kleene's logic where one is missing."""

from __future__ import annotations

import ast
import math
import operator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from policy.rules.random_conditions import GAPS, NUMBERS, ROWS, SCHEMA, TEXTS, TRUTHS, conditions

from morosidad.frames.reading import Coded, Column
from morosidad.policy.rules.compiled import CompiledRules
from morosidad.policy.rules.rule import Rule


def compiled(when: str) -> CompiledRules:
    """Compile a condition in both stages; each says what leaves it open."""
    stages: list[Any] = ["before", "after"]
    rules = [Rule(when, "rechazar", stage, stage=stage, on_missing="revisar") for stage in stages]
    return CompiledRules(rules, SCHEMA, today=lambda: date(2026, 11, 30))


def as_row(given: dict[str, Any]) -> tuple[Any, ...]:
    """Give values as a schema reads them."""
    return tuple(given[name] for name in SCHEMA.names)


def as_columns(rows: list[dict[str, Any]]) -> list[Column]:
    """Give values as a frame is read, in another order of levels than theirs."""
    columns: list[Column] = []
    for field in SCHEMA.fields:
        cells = [row[field.name] for row in rows]
        if field.kind != "category":
            columns.append(np.array([math.nan if cell is None else float(cell) for cell in cells]))
            continue
        levels = sorted({cell for cell in cells if cell is not None}, key=str, reverse=True)
        codes = [-1 if cell is None else levels.index(cell) for cell in cells]
        columns.append(Coded(np.array(codes, dtype=np.int8), [*levels]))
    return columns


def of_records(rules: CompiledRules, rows: list[dict[str, Any]]) -> list[bool | None]:
    """Ask about each row: true, false, or open."""
    found = []
    for row in rows:
        first = rules.first(as_row(row))
        second = rules.decided(as_row(row), 0.5, "aprobar")
        kinds = [kind % 2 for kind in (*first.fired, *second.fired)]
        assert len(kinds) in (0, 2)
        assert len(set(kinds)) <= 1
        found.append((not kinds[0] or None) if kinds else False)
    return found


def of_columns(rules: CompiledRules, rows: list[dict[str, Any]]) -> list[bool | None]:
    """Ask about all rows at once."""
    columns, number = as_columns(rows), len(rows)
    first = rules.first_columns(columns, rules.today)
    second = rules.decided_columns(
        columns, np.full(number, 0.5), np.zeros(number, np.int8), rules.today, first
    )
    found: list[bool | None] = [False] * number
    for place in range(number):
        kinds = [kind % 2 for kind, where in [*first.fired, *second.fired] if where[place]]
        assert len(set(kinds)) <= 1
        if kinds:
            found[place] = not kinds[0] or None
    return found


@settings(max_examples=150, deadline=None)
@given(conditions(judged=True), st.lists(ROWS, min_size=1, max_size=8))
def test_present_values_are_judged_as_pandas_does(when: str, rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows)
    frame[[*NUMBERS]] = frame[[*NUMBERS]].astype(float)
    with np.errstate(all="ignore"):
        found = frame.eval(when, engine="python")
        undecided = _undecided(when, rows)
    judged = np.broadcast_to(np.asarray(found, dtype=bool), len(rows)).tolist()
    rules = compiled(when)
    assert of_records(rules, rows) == of_columns(rules, rows)
    for row, ours, theirs, open_ in zip(rows, of_records(rules, rows), judged, undecided, strict=True):
        if not open_:
            assert ours is theirs, (when, row)


def _undecided(when: str, rows: list[dict[str, Any]]) -> list[bool]:
    """Tell which rows have a number that is none, as zero by zero, which pandas compares as False."""
    parts = [node for node in ast.walk(ast.parse(when, mode="eval")) if isinstance(node, ast.BinOp)]
    return [any(_number(part, row) is None for part in parts) for row in rows]


@settings(max_examples=200, deadline=None)
@given(conditions(judged=False), st.lists(st.tuples(ROWS, GAPS), min_size=1, max_size=8))
def test_missing_values_leave_open_what_depends_on_them(
    when: str, given_rows: list[tuple[dict[str, Any], set[str]]]
) -> None:
    rows = [{name: None if name in gaps else row[name] for name in row} for row, gaps in given_rows]
    rules = compiled(when)
    expected = [_condition(ast.parse(when, mode="eval").body, row) for row in rows]
    assert of_records(rules, rows) == expected, when
    assert of_columns(rules, rows) == expected, when


# -- Kleene's logic, node by node ------------------------------------------------------------------

_OPERATORS: dict[type, Any] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def _condition(node: ast.expr, row: dict[str, Any]) -> bool | None:
    match node:
        case ast.BoolOp(op, values):
            parts = [_condition(value, row) for value in values]
            decisive = isinstance(op, ast.Or)
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        case ast.UnaryOp(ast.Not(), operand):
            inner = _condition(operand, row)
            return None if inner is None else not inner
        case ast.Compare(left, ops, comparators):
            sides = [left, *comparators]
            parts = [_compare(op, sides[i], sides[i + 1], row) for i, op in enumerate(ops)]
            return False if False in parts else None if None in parts else True
        case ast.Name(name):
            found: bool | None = row[name]
            return found
        case ast.Constant(value):
            return bool(value)
    raise AssertionError(ast.dump(node))


def _compare(op: ast.cmpop, left: ast.expr, right: ast.expr, row: dict[str, Any]) -> bool | None:
    one = _value(left, row)
    if isinstance(op, (ast.Is, ast.IsNot)):
        return (one is None) == isinstance(op, ast.Is)
    if isinstance(op, (ast.In, ast.NotIn)):
        assert isinstance(right, ast.List)
        members = [_value(member, row) for member in right.elts]
        return None if one is None else (one in members) == isinstance(op, ast.In)
    other = _value(right, row)
    if one is None or other is None:
        return None
    return bool(_OPERATORS[type(op)](one, other))


def _value(node: ast.expr, row: dict[str, Any]) -> Any:
    match node:
        case ast.Constant(str() | bool() as value):
            return value
        case ast.Name(name) if name in TEXTS + TRUTHS:
            return row[name]
        case ast.Call(ast.Name("lower"), [of]):
            text = _value(of, row)
            return None if text is None else text.lower()
        case ast.Call(ast.Name("today")):
            return "2026-11-30"
    return _number(node, row)


def _number(node: ast.expr, row: dict[str, Any]) -> float | None:
    with np.errstate(all="ignore"):
        found = _float64(node, row)
    return None if np.isnan(found) else found


def _float64(node: ast.expr, row: dict[str, Any]) -> Any:
    """Compute with numpy's scalars, NaN where something is missing."""
    match node:
        case ast.Constant(value):
            assert isinstance(value, (int, float))
            return np.float64(value)
        case ast.Name(name):
            return np.float64(math.nan if row[name] is None else row[name])
        case ast.UnaryOp(ast.USub(), operand):
            return -_float64(operand, row)
        case ast.BinOp(left, op, right):
            one, other = _float64(left, row), _float64(right, row)
            computed: dict[type, Any] = {
                ast.Add: np.add,
                ast.Sub: np.subtract,
                ast.Mult: np.multiply,
                ast.Div: np.divide,
                ast.FloorDiv: np.floor_divide,
                ast.Mod: np.remainder,
            }
            return computed[type(op)](one, other)
        case ast.Call(ast.Name("len"), [of]):
            text = _value(of, row)
            return np.float64(math.nan if text is None else len(text))
        case ast.Call(ast.Name("years_between"), [one, other]):
            return np.float64(_years(_value(one, row), _value(other, row)))
        case ast.Call(ast.Name("min" | "max" as name), arguments):
            found = [_float64(argument, row) for argument in arguments]
            if any(map(np.isnan, found)):
                return np.float64(math.nan)
            return min(found) if name == "min" else -min(-x for x in found)
        case ast.Call(ast.Name(name), [of]):
            return {"abs": np.abs, "floor": np.floor, "round": np.rint}[name](_float64(of, row))
    raise AssertionError(ast.dump(node))


def _years(start: str | None, end: str | None) -> float:
    try:
        one, other = date.fromisoformat(start or ""), date.fromisoformat(end or "")
    except ValueError:
        return math.nan
    if other < one:
        return -_years(end, start)
    years = other.year - one.year
    return years - ((one.month, one.day) > (other.month, other.day))
