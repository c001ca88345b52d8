"""Rules compiled for a schema: a function of one record, and one of columns, for each stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.errors import RuleError
from morosidad.frames.reading import Coded, Column
from morosidad.languages import Language
from morosidad.policy.decision import NOTHING, OUTCOMES, DecisionOutcome, Fired, Reason, Ruling
from morosidad.policy.rules.checking import checked
from morosidad.policy.rules.dialects import ColumnDialect, Dialect, RecordDialect
from morosidad.policy.rules.fired import FiredColumns
from morosidad.policy.rules.nodes import Node, Variable, variables_of
from morosidad.policy.rules.parsing import WrongExpressionError, marked
from morosidad.policy.rules.rule import Rule, RuleStage
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

_PLAIN = {outcome: Ruling(outcome, (), final=False) for outcome in OUTCOMES}
_SEVERITY: dict[str, int] = {outcome: place for place, outcome in enumerate(OUTCOMES)}


class CompiledRules:
    """Rules as functions of records and of columns.

    Parameters
    ----------
    rules : sequence of Rule
        In order.
    schema : Schema
        What a record is.
    points : bool, default=False
        Whether the policy gives points.
    today : callable
        Gives the day.

    Raises
    ------
    RuleError
        With everything that does not fit the schema.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        schema: Schema,
        *,
        points: bool = False,
        today: Callable[[], date] = date.today,
    ) -> None:
        self.rules: tuple[Rule, ...] = tuple(rules)
        self._clock = today
        self._reasons: dict[Language, list[Reason]] = {}
        self._nodes = nodes = _checked(self.rules, schema, points)
        self._dated = False
        self._before = self._record_function(nodes, "before")
        self._after = self._record_function(nodes, "after")
        self._columns: dict[RuleStage, Any] = {
            "before": self._column_function(nodes, "before"),
            "after": self._column_function(nodes, "after"),
        }
        stages = {rule.stage for rule in self.rules}
        self._knows: dict[RuleStage, bool] = {"before": "before" in stages, "after": "after" in stages}

    def _record_function(self, nodes: Sequence[Node], stage: RuleStage) -> Any:
        dialect, body = RecordDialect(), list[str]()
        for place, (rule, node) in enumerate(zip(self.rules, nodes, strict=True)):
            if rule.stage != stage:
                continue
            true = dialect.condition(node)
            false = dialect.condition(node, False) if rule.on_missing else ""
            body += [*dialect.lines, f"if {true}:", f"    fired += ({2 * place},)"]
            dialect.lines.clear()
            body += ["    return fired"] if rule.final else []
            body += [f"elif not {false}:", f"    fired += ({2 * place + 1},)"] if rule.on_missing else []
        loads = [_load(variable) for variable in dialect.variables.values() if variable.field is not None]
        lines = [*(line for lines in loads for line in lines), "fired = ()", *body, "return fired"]
        return self._made(dialect, stage, lines)

    def _column_function(self, nodes: Sequence[Node], stage: RuleStage, *, every: bool = False) -> Any:
        dialect, body = ColumnDialect(), list[str]()
        for place, (rule, node) in enumerate(zip(self.rules, nodes, strict=True)):
            if rule.stage == stage:
                true = dialect.condition(node)
                false = dialect.condition(node, False) if every or rule.on_missing else "None"
                body += [*dialect.lines, f"yield {place}, {true}, {false}"]
                dialect.lines.clear()
        used = [variable for variable in dialect.variables.values() if variable.field is not None]
        loads = [f"{each.source} = column_of({each.type!r}, r[{each.place}])" for each in used]
        return self._made(dialect, stage, [*loads, *body, "yield from ()"])

    def _made(self, dialect: Dialect, stage: RuleStage, lines: Sequence[str]) -> Any:
        known = "" if stage == "before" else "probability, points, outcome, "
        self._dated = self._dated or dialect.dated
        source = "\n    ".join([f"def rules(r, {known}today):", *lines])
        space: dict[str, Any] = {"__builtins__": {}, **dialect.names}
        exec(compile(source, f"<rules {stage}>", "exec"), space)  # noqa: S102 - no foreign text in it
        return space["rules"]

    @property
    def today(self) -> str:
        """The day, where rules ask for it."""
        return self._clock().isoformat() if self._dated else ""

    # -- one record ----------------------------------------------------------------------------

    def first(self, values: Row) -> Ruling:
        """Ask the rules that know no score.

        Parameters
        ----------
        values : tuple
            Validated values in schema order, as models see them.

        Returns
        -------
        Ruling
        """
        if not self._knows["before"]:
            return NOTHING
        fired: Fired = self._before(values, self.today if self._dated else "")
        return self._settled(fired, NOTHING) if fired else NOTHING

    def decided(
        self,
        values: Row,
        probability: float,
        outcome: DecisionOutcome,
        first: Ruling = NOTHING,
        points: float = 0.0,
    ) -> Ruling:
        """Ask the rules that know the score.

        Parameters
        ----------
        values : tuple
            Validated values in schema order, as models see them.
        probability : float
            Of default.
        outcome : {'aprobar', 'revisar', 'rechazar'}
            What the cut-offs decide.
        first : Ruling
            What the rules before the score decide.
        points : float
            The points, where the policy gives any.

        Returns
        -------
        Ruling
            Of all rules, with an outcome.
        """
        if first.final:
            return first
        if first.outcome is not None and _SEVERITY[first.outcome] > _SEVERITY[outcome]:
            outcome = first.outcome
        if not self._knows["after"]:
            return Ruling(outcome, first.fired, final=False)
        fired: Fired = self._after(values, probability, points, outcome, self.today if self._dated else "")
        if not fired and not first.fired:
            return _PLAIN[outcome]
        return self._settled(fired, Ruling(outcome, first.fired, final=False))

    def _settled(self, fired: Fired, before: Ruling) -> Ruling:
        """Give the strictest outcome of rules and of what was said before them."""
        outcome, every = before.outcome, before.fired + fired
        for kind in fired:
            found = self._outcome(kind)
            if self._final(kind):
                return Ruling(found, every, final=True)
            if outcome is None or _SEVERITY[found] > _SEVERITY[outcome]:
                outcome = found
        return Ruling(outcome, every, final=False)

    def _outcome(self, kind: int) -> DecisionOutcome:
        return "revisar" if kind % 2 else self.rules[kind // 2].outcome

    def _final(self, kind: int) -> bool:
        return not kind % 2 and self.rules[kind // 2].final

    def codes(self, fired: Fired) -> tuple[str, ...]:
        """Give the codes of rules.

        Parameters
        ----------
        fired : tuple of int
            The rules that fired.

        Returns
        -------
        tuple of str
        """
        return tuple([self.rules[kind // 2].code for kind in fired]) if fired else ()

    def reasons(self, fired: Fired, language: Language) -> tuple[Reason, ...]:
        """Give the reasons that rules are.

        Parameters
        ----------
        fired : tuple of int
            The rules that fired.
        language : {'es', 'en', 'pt'}
            Of the texts.

        Returns
        -------
        tuple of Reason
        """
        if not fired:
            return ()
        if language not in self._reasons:
            self._reasons[language] = [
                Reason(rule.code, "", rule.text_in(language), 0.0, kind="regla") for rule in self.rules
            ]
        reasons = self._reasons[language]
        return tuple([reasons[kind // 2] for kind in fired])

    # -- columns -------------------------------------------------------------------------------

    def first_columns(self, columns: Sequence[Column], today: str) -> FiredColumns:
        """Ask the rules that know no score about many rows.

        Parameters
        ----------
        columns : sequence of (ndarray of float64, shape (n,), or Coded)
            The validated values, one column for each field.
        today : str
            The day.

        Returns
        -------
        FiredColumns
        """
        asked = np.ones(len(columns[0]), dtype=bool)
        return self._fired(self._columns["before"](columns, today), asked)

    def decided_columns(
        self,
        columns: Sequence[Column],
        probability: Floats,
        outcomes: NDArray[np.int8],
        today: str,
        first: FiredColumns,
        *,
        points: Floats | float = 0.0,
    ) -> FiredColumns:
        """Ask the rules that know the score about many rows.

        Parameters
        ----------
        columns : sequence of (ndarray of float64, shape (n,), or Coded)
            The validated values, one column for each field.
        probability : ndarray of float64, shape (n,)
            Of default; NaN where the model was not asked, or gave none: no such row is asked about.
        outcomes : ndarray of int8, shape (n,)
            The places in `OUTCOMES` of what the cut-offs decide.
        today : str
            The day.
        first : FiredColumns
            What the rules before the score decide.
        points : ndarray of float64, shape (n,)
            The points, where the policy gives any.

        Returns
        -------
        FiredColumns
            Of these rules alone.
        """
        known = Coded(first.over(outcomes).astype(np.intp), OUTCOMES)
        answers = self._columns["after"](columns, probability, points, known, today)
        return self._fired(answers, ~first.final & ~np.isnan(probability))

    def conditions(
        self,
        columns: Sequence[Column],
        probability: Floats,
        outcomes: NDArray[np.int8],
        points: Floats | float = 0.0,
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell where each condition is true, and where it is false, whatever other rules say.

        Parameters
        ----------
        columns : sequence of (ndarray of float64, shape (n,), or Coded)
            The validated values, one column for each field.
        probability : ndarray of float64, shape (n,)
            Of default.
        outcomes : ndarray of int8, shape (n,)
            The places in `OUTCOMES` of what the cut-offs decide.
        points : ndarray of float64, shape (n,)
            The points, where the policy gives any.

        Returns
        -------
        true, false : ndarray of bool, shape (n_rules, n)
        """
        known = Coded(outcomes.astype(np.intp), OUTCOMES)
        true = np.zeros((len(self.rules), len(outcomes)), dtype=bool)
        false = np.zeros_like(true)
        given: dict[RuleStage, tuple[Any, ...]] = {
            "before": (columns, self.today),
            "after": (columns, probability, points, known, self.today),
        }
        with np.errstate(all="ignore"):
            for stage, values in given.items():
                asked = self._column_function(self._nodes, stage, every=True)
                for place, holds, fails in asked(*values):
                    true[place], false[place] = holds, fails
        return true, false

    def _fired(self, answers: Iterator[tuple[int, Any, Any]], asked: NDArray[np.bool_]) -> FiredColumns:
        outcomes = np.full(len(asked), -1, dtype=np.int8)
        final = np.zeros(len(asked), dtype=bool)
        fired: list[tuple[int, NDArray[np.bool_]]] = []
        with np.errstate(all="ignore"):
            for place, true, false in answers:
                open_ones = asked & ~final
                cases = [(2 * place, open_ones & true)]
                if false is not None:
                    cases.append((2 * place + 1, open_ones & ~np.logical_or(true, false)))
                for kind, where in cases:
                    if where.any():
                        fired.append((kind, where))
                        severity = np.int8(_SEVERITY[self._outcome(kind)])
                        if self._final(kind):
                            np.copyto(outcomes, severity, where=where)
                            final |= where
                        else:
                            np.maximum(outcomes, severity, out=outcomes, where=where)
        return FiredColumns(outcomes, final, fired)


def _load(variable: Variable) -> list[str]:
    """Write the load of a field's value: numbers as floats, with NaN where missing."""
    name, given = variable.source, f"r[{variable.place}]"
    if variable.type != "number" or variable.field is None:
        return [f"{name} = {given}"]
    if variable.field.usual_levels is not None or variable.field.kind == "category":
        return [f"{name} = {given}", f"{name} = nan if {name} is None else {name} * 1.0"]
    return [f"{name} = {given}", f"if {name} is None: {name} = nan"]


def _checked(rules: Sequence[Rule], schema: Schema, points: bool) -> list[Node]:
    """Check every rule, so that all that is wrong is known at once."""
    nodes: list[Node] = []
    problems: list[str] = []
    codes: list[str] = []
    for rule in rules:
        names = variables_of(schema, rule.stage, points=points)
        try:
            nodes.append(checked(rule.expression, names))
        except WrongExpressionError as error:
            problems += [f"{rule.code}: {each.message}\n{marked(rule.when, each)}" for each in error.problems]
            codes.append(rule.code)
    if problems:
        raise RuleError(problems, codes)
    return nodes
