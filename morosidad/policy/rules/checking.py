"""The check of an expression against the names that it may hold: types, categories, functions."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from difflib import get_close_matches
from typing import NoReturn

from morosidad.policy.rules.functions import is_date
from morosidad.policy.rules.nodes import Node, Variable
from morosidad.policy.rules.parsing import FUNCTIONS, Expression, ExpressionProblem, WrongExpressionError
from morosidad.schema.field import EXACT

_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_COMPUTED: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
_WORDS = {"number": "a number", "text": "a text", "truth": "a condition"}
_OF_SCORE = {
    "probability": "the probability is known after the score only: stage='after'",
    "outcome": "the outcome is known after the score only: stage='after'",
    "points": "points are known after the score only, stage='after', with a policy that has points=Points()",
}
_FAILED = Node("failed", "truth")


def checked(expression: Expression, names: Mapping[str, Variable]) -> Node:
    """Check an expression and give its nodes.

    Parameters
    ----------
    expression : Expression
        What a rule asks.
    names : mapping of str to Variable
        The names that it may hold.

    Returns
    -------
    Node
        A condition.

    Raises
    ------
    WrongExpressionError
        With everything that is wrong.
    """
    checker = _Checker(expression, names)
    node = checker.truth(expression.tree)
    if checker.problems:
        raise WrongExpressionError(sorted(set(checker.problems), key=lambda problem: problem[1:]))
    return node


class _WrongPartError(Exception):
    """A part whose problem is noted: what holds it can't be judged."""


class _Checker:
    def __init__(self, expression: Expression, names: Mapping[str, Variable]) -> None:
        self._expression = expression
        self._names = names
        self.problems: list[ExpressionProblem] = []

    def _wrong(self, node: ast.expr, message: str) -> NoReturn:
        self.problems.append(ExpressionProblem(message, *self._expression.span(node)))
        raise _WrongPartError

    def truth(self, node: ast.expr) -> Node:
        """Check a condition; what is wrong with a part of it does not hide what is wrong with another."""
        try:
            if isinstance(node, ast.BoolOp):
                operation = "and" if isinstance(node.op, ast.And) else "or"
                return Node(operation, "truth", tuple([self.truth(part) for part in node.values]))
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                return Node("not", "truth", (self.truth(node.operand),))
            found = self._any(node)
            if found.type != "truth":
                self._wrong(node, f"a condition was expected, not {_WORDS[found.type]}")
            return found
        except _WrongPartError:
            return _FAILED

    def _all(self, nodes: list[ast.expr]) -> list[Node]:
        """Check several parts, so that the problems of each are found."""
        found = []
        for node in nodes:
            try:
                found.append(self._any(node))
            except _WrongPartError:
                continue
        if len(found) < len(nodes):
            raise _WrongPartError
        return found

    def _any(self, node: ast.expr) -> Node:
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Compare):
            return self._comparisons(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.BinOp):
            of = self._numbers([node.left, node.right])
            return Node(_COMPUTED[type(node.op)], "number", tuple(of))
        if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            return self.truth(node)
        if isinstance(node, ast.UnaryOp):
            (number,) = self._numbers([node.operand])
            return _negative(number) if isinstance(node.op, ast.USub) else number
        return self._wrong(node, "a list stands behind 'in' only")

    def _numbers(self, nodes: list[ast.expr]) -> list[Node]:
        found = self._all(nodes)
        for node, of in zip(nodes, found, strict=True):
            if of.type != "number":
                self._wrong(node, f"a number was expected, not {_WORDS[of.type]}")
        return found

    def _constant(self, node: ast.Constant) -> Node:
        value = node.value
        if isinstance(value, bool):
            return Node("constant", "truth", value=value)
        if isinstance(value, str):
            return Node("constant", "text", value=value)
        if not isinstance(value, (int, float)):
            self._wrong(
                node, "None is asked for with 'is'" if value is None else "a number or a text was expected"
            )
        if abs(value) > EXACT if isinstance(value, int) else abs(value) == float("inf"):
            self._wrong(node, "no float holds this number exactly")
        return Node("constant", "number", value=float(value))

    def _name(self, node: ast.Name) -> Node:
        name = self._expression.name(node)
        if name not in self._names:
            if name in _OF_SCORE:
                self._wrong(node, _OF_SCORE[name])
            few = len(self._names) <= 1000 and len(self.problems) < 10  # comparing names takes its time
            near = get_close_matches(name, self._names, n=1) if few else []
            hint = f"; did you mean {near[0]!r}?" if near else ""
            self._wrong(node, f"nothing is called {name!r} here{hint}")
        found = self._names[name]
        if not found.source:
            self._wrong(node, f"{name!r} is a field and what the score gives: rename the field")
        return Node("name", found.type, value=found)

    def _call(self, node: ast.Call) -> Node:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        gives, takes, more = FUNCTIONS[name]
        if not len(takes) <= len(node.args) <= len(takes) + more:
            self._wrong(node, f"{name} takes {len(takes)}{' or more' if more else ''}, not {len(node.args)}")
        of = self._all(node.args)
        for place, (argument, part) in enumerate(zip(node.args, of, strict=True)):
            if part.type != (expected := takes[min(place, len(takes) - 1)]):
                self._wrong(argument, f"{_WORDS[expected]} was expected, not {_WORDS[part.type]}")
            if name == "years_between" and not _may_be_date(part):
                self._wrong(argument, "a date was expected, such as '2026-11-30'")
        return Node(name, gives, tuple(of))

    # -- comparisons ---------------------------------------------------------------------------

    def _comparisons(self, node: ast.Compare) -> Node:
        sides, found = [node.left, *node.comparators], []
        for place, operator in enumerate(node.ops):
            try:
                found.append(self._comparison(_COMPARED[type(operator)], sides[place], sides[place + 1]))
            except _WrongPartError:
                continue
        if len(found) < len(node.ops):
            raise _WrongPartError
        return found[0] if len(found) == 1 else Node("and", "truth", tuple(found))

    def _comparison(self, operation: str, left: ast.expr, right: ast.expr) -> Node:
        if operation in ("is", "is not"):
            return self._presence(operation, left, right)
        if operation in ("in", "not in"):
            return self._membership(operation, left, right)
        if any(isinstance(side, ast.Constant) and side.value is None for side in (left, right)):
            self._wrong(right, "write 'is None' or 'is not None'")
        one, other = self._all([left, right])
        if one.type != other.type:
            self._wrong(right, f"{_WORDS[one.type]} is compared with {_WORDS[other.type]}")
        if one.type == "truth":
            self._check_truths(operation, (left, one), (right, other))
        elif operation in ("==", "!="):
            one, other = self._level(left, one, other), self._level(right, other, one)
        return Node(operation, "truth", (one, other))

    def _check_truths(self, operation: str, *sides: tuple[ast.expr, Node]) -> None:
        for node, side in sides:
            if operation not in ("==", "!=") or side.operation not in ("name", "constant"):
                self._wrong(node, "conditions are put together with 'and', 'or' and 'not'")

    def _presence(self, operation: str, left: ast.expr, right: ast.expr) -> Node:
        if not (isinstance(right, ast.Constant) and right.value is None):
            self._wrong(right, "'is' asks for None only")
        found = self._any(left)
        if found.type == "truth" and found.operation != "name":
            self._wrong(left, "whether a condition is None can't be asked")
        return Node(operation, "truth", (found,))

    def _membership(self, operation: str, left: ast.expr, right: ast.expr) -> Node:
        found = self._any(left)
        if not isinstance(right, (ast.List, ast.Tuple, ast.Set)) or not right.elts:
            self._wrong(right, "a list of numbers or texts was expected")
        members: list[Variable | str | float | bool | tuple[str | float, ...]] = []
        for node in right.elts:
            value = self._any(node)
            if value.operation != "constant" or value.type != found.type or value.type == "truth":
                self._wrong(node, f"{_WORDS[found.type]} was expected, written out")
            members.append(self._level(node, value, found).value)
        return Node(operation, "truth", (found,), tuple(dict.fromkeys(members)))  # type: ignore[arg-type]

    def _level(self, node: ast.expr, given: Node, of: Node) -> Node:
        """Give what is compared with a field as the field spells it; refuse what it can't be."""
        lowered = of.operation == "lower"
        variable = of.of[0].value if lowered else of.value
        if given.operation != "constant" or not isinstance(variable, Variable):
            return given
        levels, field, value = variable.levels, variable.field, given.value
        if lowered:
            levels = tuple(str(level).lower() for level in levels)
        elif field is not None:
            value = field.known_level(value) if isinstance(value, str) else value
            if value in field.codes:
                self._wrong(node, f"this means that {variable.name!r} is missing; write 'is None'")
        if levels and value not in levels:
            words = [str(level) for level in levels]
            near = get_close_matches(str(value), words, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(words[:20])}"
            self._wrong(node, f"{variable.name!r} is never that; {hint}")
        return given._replace(value=value)


def _may_be_date(node: Node) -> bool:
    if node.operation == "constant":
        return is_date(str(node.value))
    levels = node.value.levels if isinstance(node.value, Variable) else ()
    return not levels or any(is_date(str(level)) for level in levels)


def _negative(of: Node) -> Node:
    if of.operation == "constant" and isinstance(of.value, float):
        return of._replace(value=-of.value)
    return Node("negative", "number", (of,))
