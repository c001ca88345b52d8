"""The text of an expression becomes a tree of Python's grammar, of which only what rules need is let in."""

from __future__ import annotations

import ast
import re
from difflib import get_close_matches
from typing import Literal, NamedTuple

NodeType = Literal["number", "text", "truth"]
"""What the values of a part of an expression are."""

LONGEST = 2_000
"""Characters of one expression."""
DEEPEST = 40
"""Levels of one expression."""
LARGEST = 400
"""Names, constants and operations of one expression."""

FUNCTIONS: dict[str, tuple[NodeType, tuple[NodeType, ...], int]] = {
    # what it gives, what it takes, and how many more of the last it may take
    "abs": ("number", ("number",), 0),
    "min": ("number", ("number", "number"), 20),
    "max": ("number", ("number", "number"), 20),
    "round": ("number", ("number",), 0),
    "floor": ("number", ("number",), 0),
    "len": ("number", ("text",), 0),
    "lower": ("text", ("text",), 0),
    "years_between": ("number", ("text", "text"), 0),
    "today": ("text", (), 0),
}
"""The functions of expressions. Dates are texts: ``2026-11-30``."""

_ALLOWED: tuple[type[ast.AST], ...] = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod),
    *(ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot),
    *(ast.Call, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.Set),
)
_HINTS: dict[type[ast.AST], str] = {
    ast.BitAnd: "write 'and' in place of '&'",
    ast.BitOr: "write 'or' in place of '|'",
    ast.Invert: "write 'not' in place of '~'",
    ast.Pow: "powers are rounded in more than one way; write a product",
}
_SPACES = {ord(space): " " for space in "\t\r\n\f\v"}
_APART = re.compile(r"'[^']*'|\"[^\"]*\"|`([^`]*)`|#[^\r\n]*")
_TEXT = re.compile(r"[rRuU]?('''|\"{3}|'|\")(.*)\1", re.DOTALL)


class ExpressionProblem(NamedTuple):
    """What is wrong with an expression, and where in its text.

    Attributes
    ----------
    message : str
        What was expected.
    start, end : int
        The characters of the text that it is about.
    """

    message: str
    start: int
    end: int


class WrongExpressionError(ValueError):
    """An expression that can't be used, with every problem that was found."""

    def __init__(self, problems: list[ExpressionProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


def _wrong(message: str, start: int, end: int) -> WrongExpressionError:
    return WrongExpressionError([ExpressionProblem(message, start, end)])


class Expression:
    """A parsed expression: its tree, and the text that each node stands for.

    Parameters
    ----------
    text : str
        As `pandas.DataFrame.query` takes it: a name that is no identifier stands in backticks.

    Raises
    ------
    WrongExpressionError
        If it holds anything else than what rules are made of, or too much of it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._quoted: dict[int, str] = {}
        plain = self._plain(text)
        self._offset = len(plain) - len(plain.lstrip())
        self._bytes = plain.lstrip().encode()
        self.tree: ast.expr = self._parsed(plain.lstrip())
        self._check()

    def _plain(self, text: str) -> str:
        """Give the text in one line: a name in backticks is an identifier as long, a comment spaces."""
        if len(text) > LONGEST:
            raise _wrong(f"it is longer than {LONGEST} characters", LONGEST, len(text))
        if (place := text.find("\\")) >= 0:
            raise _wrong("a backslash is no part of a rule", place, place + 1)
        if not text.isprintable() and not text.translate(_SPACES).isprintable():
            place = next(i for i, sign in enumerate(text.translate(_SPACES)) if not sign.isprintable())
            raise _wrong("it holds a sign that can't be shown", place, place + 1)

        def named(found: re.Match[str]) -> str:
            if found.group().startswith("#"):
                return " " * len(found.group())
            if not found.group(1):
                return found.group()
            self._quoted[found.start()] = found.group(1)
            return "_" * len(found.group())

        return _APART.sub(named, text).translate(_SPACES)

    def _parsed(self, plain: str) -> ast.expr:
        try:
            return ast.parse(plain, mode="eval").body
        except SyntaxError as error:
            start = self._offset + max((error.offset or 1) - 1, 0)
            start = min(start, max(len(self.text) - 1, 0))
            raise _wrong(f"it is no expression: {error.msg}", start, start + 1) from None
        except (ValueError, MemoryError, RecursionError):
            raise _wrong("it is no expression", 0, len(self.text)) from None

    def _check(self) -> None:
        problems: list[ExpressionProblem] = []
        waiting: list[tuple[ast.AST, ast.expr, int]] = [(self.tree, self.tree, 1)]
        number = 0
        while waiting:
            node, near, depth = waiting.pop()
            near = node if isinstance(node, ast.expr) else near
            number += 1
            if depth > DEEPEST or number > LARGEST:
                raise _wrong("it is too large; make several rules of it", *self.span(near))
            if not isinstance(node, _ALLOWED):
                words = _HINTS.get(type(node)) or f"{type(node).__name__} is no part of a rule"
                problems.append(ExpressionProblem(words, *self.span(near)))
                continue
            if isinstance(node, ast.Constant) and (problem := self._constant_problem(node)):
                problems.append(problem)
                continue
            if isinstance(node, ast.Call) and (problem := self._call_problem(node)):
                problems.append(problem)
                continue
            if isinstance(node, ast.Call):
                waiting += [(child, near, depth + 1) for child in node.args]
                continue
            waiting += [(child, near, depth + 1) for child in ast.iter_child_nodes(node)]
        if problems:
            raise WrongExpressionError(sorted(problems, key=lambda problem: problem[1:]))

    def _constant_problem(self, node: ast.Constant) -> ExpressionProblem | None:
        """Refuse texts that Python joins, as where a comma is missing, and such as hold tabs or lines."""
        start, end = self.span(node)
        found = _TEXT.fullmatch(self.text[start:end])
        if not isinstance(node.value, str) or (found and found.group(2) == node.value):
            return None
        return ExpressionProblem("one text in quotes was expected: no two, no tabs, one line", start, end)

    def _call_problem(self, node: ast.Call) -> ExpressionProblem | None:
        name = self.name(node.func) if isinstance(node.func, ast.Name) else ""
        if name in FUNCTIONS and not node.keywords:
            return None
        near = get_close_matches(name, FUNCTIONS, n=1) or [", ".join(FUNCTIONS)]
        return ExpressionProblem(f"no such function; did you mean {near[0]}?", *self.span(node))

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Give the characters of the text that a node stands for.

        Parameters
        ----------
        node : ast.expr
            Of this tree.

        Returns
        -------
        start, end : int
        """
        start, end = self._place(node.col_offset), self._place(node.end_col_offset or node.col_offset)
        return start, end

    def _place(self, offset: int) -> int:
        return self._offset + len(self._bytes[:offset].decode())

    @property
    def names(self) -> frozenset[str]:
        """The names that stand in it, but for those of functions."""
        called = {node.func for node in ast.walk(self.tree) if isinstance(node, ast.Call)}
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.Name) and node not in called)
        return frozenset(map(self.name, nodes))

    def name(self, node: ast.Name) -> str:
        """Give a name as the text spells it: Python's own would be in another Unicode normal form.

        Parameters
        ----------
        node : ast.Name
            Of this tree.

        Returns
        -------
        str
        """
        start, end = self.span(node)
        return self._quoted.get(start) or self.text[start:end]


def marked(text: str, problem: ExpressionProblem) -> str:
    """Give an expression with a line below it that marks the place of a problem.

    Parameters
    ----------
    text : str
        The expression.
    problem : ExpressionProblem
        What is wrong with it.

    Returns
    -------
    str
        Two lines; of a long text, what is around the place.
    """
    start = max(problem.start - 60, 0)
    shown = text.translate(_SPACES)[start : start + 120]
    length = max(min(problem.end - start, len(shown)) - (problem.start - start), 1)
    return f"{shown}\n{' ' * (problem.start - start)}{'^' * length}"
