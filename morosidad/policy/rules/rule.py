"""A rule of a lender: when it fires, and what it decides then."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from morosidad.errors import RuleError
from morosidad.languages import Language
from morosidad.policy.decision import OUTCOMES, DecisionOutcome
from morosidad.schema.wording import Words, pick, words_problem

if TYPE_CHECKING:
    from morosidad.policy.rules.parsing import Expression

RuleStage = Literal["before", "after"]
"""Before the score is estimated, or after it."""

_CODE = re.compile(r"[!-~]{1,40}")
MOST = 1_000
"""Rules of one policy."""


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, dict=True, forbid_unknown_fields=True):
    """A rule of the lender: a condition, and the outcome where it holds.

    Parameters
    ----------
    when : str
        The condition, as `pandas.DataFrame.query` takes it: fields, numbers, texts, ``and or not``,
        comparisons, ``+ - * / // %``, ``in``, ``is None``, and the functions ``abs min max round floor len
        lower years_between today``; in the stage ``after`` also ``probability``, ``points`` and
        ``outcome``. A name that is no identifier stands in backticks.
    outcome : {'aprobar', 'revisar', 'rechazar'}
        What it decides; the strictest of the rules that fire and of the cut-offs is the decision.
    code : str
        Stands on the decision, in the log and in the counts: 1 to 40 signs of ASCII without spaces.
    text : str, or mapping of str to str, optional
        The reason for people, for all languages or for each; the code where there is none.
    stage : {'after', 'before'}, default='after'
        A rule of the stage ``before`` knows no score. Where those decline, the model is not asked.
    on_missing : {'revisar'}, optional
        The outcome where a missing value leaves open whether the condition holds; such a rule does not
        fire otherwise.
    final : bool, default=False
        Where it fires, its outcome is the decision, whatever others say, and no later rule is asked.

    Raises
    ------
    RuleError
        With everything that is wrong and can be seen without a schema.
    """

    when: str
    outcome: DecisionOutcome
    code: str
    text: Words = ""
    stage: RuleStage = "after"
    on_missing: Literal["revisar"] | None = None
    final: bool = False

    def __post_init__(self) -> None:
        from morosidad.policy.rules.parsing import WrongExpressionError, marked

        given: dict[str, Any] = {name: getattr(self, name) for name in self.__struct_fields__}
        code = str(given["code"])
        problems = [f"{code}: {problem}" for problem in _problems(given)]
        when: object = given["when"]
        if isinstance(when, str):
            try:
                _ = self.expression
            except WrongExpressionError as error:
                problems += [f"{code}: {each.message}\n{marked(self.when, each)}" for each in error.problems]
        if problems:
            raise RuleError(problems, [code])

    @cached_property
    def expression(self) -> Expression:
        """The parsed condition."""
        from morosidad.policy.rules.parsing import Expression

        return Expression(self.when)

    def text_in(self, language: Language = "es") -> str:
        """Give the reason in a language.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, default='es'
            Where there is none in it, that in Spanish is given.

        Returns
        -------
        str
        """
        return pick(self.text, language) or self.code


def _problems(given: Mapping[str, Any]) -> Iterable[str]:
    if not isinstance(given["when"], str):
        yield "when: a text was expected"
    if given["outcome"] not in OUTCOMES:
        yield f"outcome: one of {', '.join(OUTCOMES)} was expected"
    if not isinstance(given["code"], str) or not _CODE.fullmatch(given["code"]):
        yield "code: 1 to 40 letters, digits and signs of ASCII were expected"
    if given["stage"] not in get_args(RuleStage):
        yield "stage: 'before' or 'after' was expected"
    if given["on_missing"] not in (None, "revisar"):
        yield "on_missing: 'revisar' or None was expected"
    if not isinstance(given["final"], bool):
        yield "final: True or False was expected"
    if problem := words_problem((given["text"],)):
        yield f"text: {problem}"


def as_rules(given: object) -> tuple[Rule, ...]:
    """Give rules in order.

    Parameters
    ----------
    given : iterable of (Rule or mapping)
        Each code once; a mapping holds what a `Rule` is made of.

    Returns
    -------
    tuple of Rule

    Raises
    ------
    RuleError
        If one is something else, two have one code, or there are too many.
    """
    if isinstance(given, (str, bytes, Rule, Mapping)) or not isinstance(given, Iterable):
        raise RuleError(["rules: a sequence of Rule was expected"])
    rules: list[Rule] = []
    problems: list[str] = []
    for place, one in enumerate(islice(given, MOST + 1)):
        try:
            rules.append(one if isinstance(one, Rule) else msgspec.convert(one, Rule))
        except msgspec.ValidationError as error:
            problems.append(f"rule {place}: {error}")
    if problems:
        raise RuleError(problems)
    codes = [rule.code for rule in rules]
    if twice := sorted({code for code in codes if codes.count(code) > 1}) if len(codes) <= MOST else []:
        raise RuleError([f"{code}: two rules have this code" for code in twice], twice)
    if len(codes) > MOST:
        raise RuleError([f"rules: at most {MOST} were expected"])
    return tuple(rules)
