"""Source code generation: expressions as the body of one Python function.

Nothing that comes from a file is ever written into the source: it holds names that are numbered
here and numbers in their own exact notation; all else is bound by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.lookups import Grid, Lookup

NO_SHARE = "0.0"
"""The source of the contribution of a field that a model does not use."""


class Sum(NamedTuple):
    """Numbers that are added up beside a model's own, from left to right.

    Attributes
    ----------
    start : float
        What they are added to.
    terms : tuple of (Lookup or Grid)
        The numbers.
    """

    start: float
    terms: tuple[Lookup | Grid, ...]


class FunctionSource:
    """The body of a function of one record's values, written line by line.

    Parameters
    ----------
    n_fields : int
        How many values a record has.
    always : frozenset of int
        The fields that are never missing.
    beside : Sum, optional
        What a form that looks numbers up may look up with them; `beside_total` tells whether it did.
    """

    def __init__(self, n_fields: int, always: frozenset[int], beside: Sum | None = None) -> None:
        self.n_fields = n_fields
        self.always = always
        self.missing: frozenset[int] = frozenset(range(n_fields)) - always
        self.beside: Sum | None = beside
        self.beside_total: str = ""
        self.lines: list[str] = []
        self._bound: dict[str, Any] = {"nan": math.nan}
        self._names: dict[Expr, str] = {}

    def field(self, place: int) -> str:
        """Name the variable that holds a field's value."""
        return f"v{int(place)}"

    def constant(self, value: object) -> str:
        """Write a number, or bind any other constant to a name and give the name."""
        if type(value) in (int, float) and math.isfinite(value):  # type: ignore[arg-type]
            return f"({value!r})"
        name = f"k{len(self._bound)}"
        self._bound[name] = value
        return name

    def value(self, expr: Expr) -> str:
        """Name the variable that holds an expression's number, computing it once."""
        name = self._names.get(expr)
        if name is None:
            source = expr.emit(self)
            name = self._names[expr] = source if source.isidentifier() else self.assign(source)
        return name

    def added_beside(self) -> str:
        """Name the sum that was to be added up beside the form, which is done here where the form did not."""
        if not self.beside_total:
            assert self.beside is not None
            start, terms = self.beside
            self.beside_total = self.total([self.constant(start), *map(self.value, terms)])
        return self.beside_total

    def assign(self, source: str) -> str:
        """Compute some source into a new variable and name it."""
        name = f"x{len(self.lines)}"
        self.lines.append(f"{name} = {source}")
        return name

    def attempt(self, source: str, error: type[Exception], otherwise: str) -> str:
        """Compute some source into a new variable or, where that raises an error, some other source."""
        name = f"x{len(self.lines)}"
        self.lines += [f"try: {name} = {source}", f"except {self.constant(error)}: {name} = {otherwise}"]
        return name

    def total(self, parts: Sequence[str]) -> str:
        """Add up, from left to right, and name the sum."""
        sum_ = parts[0]
        for start in range(1, len(parts), 50):  # Python compiles no expression of any length
            sum_ = self.assign(" + ".join([sum_, *parts[start : start + 50]]))
        return sum_

    def line(self, source: str) -> None:
        """Add a line."""
        self.lines.append(source)

    def function(self, name: str, result: str | Iterable[str]) -> Callable[[tuple[Any, ...]], Any]:
        """Make the function that ends by giving `result`."""
        answer = result if isinstance(result, str) else "(" + "".join(f"{part}, " for part in result) + ")"
        names = "".join(f"{self.field(place)}, " for place in range(self.n_fields))
        body = [f"{names}= values", *self.lines, f"return {answer}"]
        source = f"def {name}(values):\n" + "".join(f"    {line}\n" for line in body)
        exec(compile(source, f"<morosidad {name}>", "exec"), self._bound)  # noqa: S102 - no foreign text in it
        function: Callable[[tuple[Any, ...]], Any] = self._bound[name]
        return function
