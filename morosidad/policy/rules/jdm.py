"""Decision tables in GoRules' JSON decision model (JDM), read as rules."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from morosidad.errors import RuleError
from morosidad.policy.rules.rule import MOST, Rule, RuleStage, as_rules

LARGEST = 2**20
"""Bytes of a file."""

_LITERAL = r"-?\d+(?:\.\d+)?|'[^'\\`]*'|\"[^\"\\`]*\""
_COMPARISON = re.compile(rf"(>=|<=|==|!=|>|<)\s*({_LITERAL})")
_INTERVAL = re.compile(r"([\[(])\s*(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)\s*([\])])")
_AMONG = re.compile(rf"(not in|in)\s*\[\s*((?:{_LITERAL})(?:\s*,\s*(?:{_LITERAL}))*)\s*\]")
_TRUTHS = {"true": "{0}", "false": "not {0}"}


class Rules(tuple[Rule, ...]):
    """Rules in order, as `Policy` takes them."""

    __slots__ = ()

    @classmethod
    def from_jdm(
        cls,
        source: str | os.PathLike[str] | Mapping[str, Any],
        *,
        outcome: str = "outcome",
        code: str = "code",
        text: str = "text",
        stage: RuleStage = "after",
    ) -> Rules:
        """Read the decision table of a document of GoRules (JDM) as rules, one for each row.

        Parameters
        ----------
        source : path-like or mapping
            The document, with one decision table.
        outcome, code, text : str, optional
            The output columns that hold them. Rows are called ``T1``, ``T2``, … where there is no code.
        stage : {'after', 'before'}, default='after'
            Of all the rules.

        Returns
        -------
        Rules
            With the hit policy ``first``, a rule asks that no row above it holds. A missing value matches
            no cell but ``null`` and an empty one.

        Raises
        ------
        RuleError
            With every cell that no rule can express.
        """
        return cls(read_table(source, outcome=outcome, code=code, text=text, stage=stage))


def read_table(
    source: str | os.PathLike[str] | Mapping[str, Any],
    *,
    outcome: str,
    code: str,
    text: str,
    stage: RuleStage,
) -> tuple[Rule, ...]:
    """Read the decision table of a document; see `Rules.from_jdm`."""
    content = _table(source)
    first = content.get("hitPolicy", "first") == "first"
    inputs = [(str(x.get("id")), x.get("field")) for x in content["inputs"]]
    columns = {x.get("field"): str(x.get("id")) for x in content["outputs"]}
    problems: list[str] = []
    if outcome not in columns:
        problems.append(f"there is no output column {outcome!r}")
    rules: list[Mapping[str, Any]] = []
    above: list[str] = []
    for number, row in enumerate(content["rules"], 1):
        found = [_cell(str(row.get(key) or ""), field, f"row {number}", problems) for key, field in inputs]
        when = " and ".join(filter(None, found)) or "True"
        given = {name: _literal(row.get(columns.get(name, ""))) for name in (outcome, code, text)}
        whole = when if not (first and above) else f"({when}) and not ({' or '.join(above)})"
        above.append(f"({when})")
        named = {"code": given[code] or f"T{number}", "text": given[text], "outcome": given[outcome]}
        rules.append({"when": whole, "stage": stage, **named})
    if problems:
        raise RuleError(problems)
    return as_rules(rules)


def _table(source: Any) -> Mapping[str, Any]:
    if not isinstance(source, Mapping):
        try:
            with open(source, "rb") as file:
                content = file.read(LARGEST + 1)
            source = json.loads(content) if len(content) <= LARGEST else None
        except (OSError, ValueError, RecursionError) as error:
            raise RuleError([f"{os.path.basename(source)}: {error}"]) from None
    nodes = source.get("nodes") if isinstance(source, Mapping) else None
    tables = [
        node.get("content")
        for node in (nodes if isinstance(nodes, list) else [])
        if isinstance(node, Mapping) and node.get("type") == "decisionTableNode"
    ]
    if len(tables) != 1 or not isinstance(tables[0], Mapping):
        raise RuleError(["a document with one decision table was expected"])
    table: Mapping[str, Any] = tables[0]
    parts = [table.get(name) for name in ("inputs", "outputs", "rules")]
    whole = all(isinstance(part, list) and all(isinstance(one, Mapping) for one in part) for part in parts)
    if not whole or table.get("hitPolicy", "first") not in ("first", "collect") or len(table["rules"]) > MOST:
        raise RuleError([f"a table of at most {MOST} rows, hit policy 'first' or 'collect', was expected"])
    return table


def _cell(cell: str, field: object, place: str, problems: list[str]) -> str:
    """Write a cell as a condition that is never open."""
    cell = cell.strip()
    if cell in ("", "-"):
        return ""
    if not isinstance(field, str) or not field or "`" in field:
        problems.append(f"{place}: an input column without a field")
        return ""
    name = field if field.isidentifier() else f"`{field}`"
    parts = [_part(part, name) for part in re.split(r"\s+and\s+", cell)]
    if None in parts:
        problems.append(f"{place}, {field}: no rule expresses {cell[:60]!r}")
    return " and ".join(part for part in parts if part)


def _part(cell: str, name: str) -> str | None:
    if cell == "null":
        return f"{name} is None"
    there = f"{name} is not None and "
    if cell in _TRUTHS:
        return there + _TRUTHS[cell].format(name)
    if found := _COMPARISON.fullmatch(cell):
        return f"{there}{name} {found[1]} {found[2]}"
    if found := _INTERVAL.fullmatch(cell):
        low, high = ("<=" if sign in "[]" else "<" for sign in (found[1], found[4]))
        return f"{there}{found[2]} {low} {name} {high} {found[3]}"
    if found := _AMONG.fullmatch(cell):
        return f"{there}{name} {found[1]} [{found[2]}]"
    if re.fullmatch(rf"(?:{_LITERAL})(?:\s*,\s*(?:{_LITERAL}))*", cell):
        return f"{there}{name} in [{cell}]"
    return None


def _literal(cell: object) -> str:
    text = str(cell or "").strip()
    return text[1:-1] if re.fullmatch(r"'[^']*'|\"[^\"]*\"", text) else text
