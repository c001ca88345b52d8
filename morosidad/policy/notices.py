"""Notices to applicants: what was decided and why, what they can do, and which data were used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from morosidad.errors import NoticeError, SettingsError
from morosidad.languages import LANGUAGES, Language, say
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import OUTCOMES, Decision, DecisionOutcome, Notice, Reason
from morosidad.schema.schema import Schema

PRINCIPAL = 4
"""Reasons of one notice: the official interpretation of 12 CFR 1002.9(b)(2) (Regulation B of the United
States) says that more are not likely to help the applicant."""

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|<>~&-])|(?<=\d)([.])(?=\s)")


class _Part(NamedTuple):
    heading: str
    items: list[str]


class NoticeWriter:
    """Writes notices about the decisions of one model.

    Parameters
    ----------
    schema : Schema
        What a record is, with the words of its fields and where they come from.
    policy : Policy
        The reason codes and the rules.
    used : sequence of str
        The fields that the model takes; those that rules ask about come to them.
    """

    def __init__(self, schema: Schema, policy: Policy, used: Sequence[str]) -> None:
        self.schema: Schema = schema
        self._policy = policy
        self._used = frozenset(used).union(*(rule.expression.names for rule in policy.rules))
        self._codes = {code.code: code for code in policy.codes}
        self._rules = {rule.code: rule for rule in policy.rules}

    def notice(self, decision: Decision, language: Language | None = None, lender: str = "") -> Notice:
        """Write the notice about a decision.

        Parameters
        ----------
        decision : Decision
            Of the model.
        language : {'es', 'en', 'pt'}, optional
            By default that of the scorer.
        lender : str
            Who signs.

        Returns
        -------
        Notice

        Raises
        ------
        NoticeError
            If an application is declined without any reason that may be said, or the decision is another
            policy's.
        SettingsError
            If there is no such language.
        """
        language = self.schema.language if language is None else language
        if language not in LANGUAGES:
            raise SettingsError([f"language: one of {', '.join(LANGUAGES)} was expected"])
        if decision.policy != self._policy.identity:
            words = "the decision was made by another policy than the one that writes the notice"
            raise NoticeError(words, decision.policy)
        reasons = self._principal(decision)
        if decision.outcome == "rechazar" and not reasons:
            words = "an application was declined without a reason that could be named"
            raise NoticeError(words, decision.policy)
        told = partial(say, language)
        opening = [told("reports.notice_greeting"), told(f"reports.notice_{decision.outcome}")]
        if decision.request_id:
            opening.insert(0, told("reports.notice_reference", id=decision.request_id))
        parts: list[_Part] = []
        if decision.outcome != "aprobar":
            parts = [
                _Part(
                    told("reports.notice_why"), [self._reason(each, language, decision) for each in reasons]
                ),
                _Part(told("reports.notice_todo"), self._advice(reasons, language)),
                _Part(told("reports.notice_data"), self._sources(language)),
            ]
        parts = [part for part in parts if part.items]
        return Notice(
            _text(told("reports.notice_title"), opening, parts, lender),
            _markdown(told("reports.notice_title"), opening, parts, lender),
            () if decision.outcome == "aprobar" else tuple(reason.code for reason in reasons),
            language,
        )

    def _principal(self, decision: Decision) -> list[Reason]:
        """Give the first of the reasons that made the decision, each code once.

        A rule that asks for less than what was decided is none of them, and neither is what the model says
        where its cut-offs ask for less.
        """
        raising = [each for each in decision.reasons if each.kind == "regla" or each.contribution > 0.0]
        found: dict[tuple[str, str], Reason] = {}
        for reason in [each for each in raising if self._decides(each, decision)] or raising:
            found.setdefault((reason.kind, reason.code), reason)
        return [*found.values()][:PRINCIPAL]

    def _decides(self, reason: Reason, decision: Decision) -> bool:
        if reason.kind == "modelo":
            p = decision.probability
            by_score: DecisionOutcome = "aprobar" if p is None else self._policy.outcome(p)
            return OUTCOMES.index(by_score) >= OUTCOMES.index(decision.outcome)
        rule = self._rules.get(reason.code)
        return rule is None or decision.outcome in (rule.outcome, rule.on_missing)

    def _reason(self, reason: Reason, language: Language, decision: Decision) -> str:
        return say(
            language, "reports.notice_code", text=self._words(reason, language, decision), code=reason.code
        )

    def _words(self, reason: Reason, language: Language, decision: Decision) -> str:
        """Give a reason in a language: as the decision has it, by its code, or by the field's label."""
        if language == decision.language:
            return reason.text
        if reason.kind == "regla":
            rule = self._rules.get(reason.code)
            return reason.text if rule is None else rule.text_in(language)
        code = self._codes.get(reason.code)
        own = "" if code is None else code.text_in(language)
        if own or reason.field not in self.schema.names:
            return own or reason.text
        return say(language, "records.reason_plain", label=self.schema[reason.field].words_in(language).label)

    def _advice(self, reasons: Sequence[Reason], language: Language) -> list[str]:
        """Give the lender's advice on each reason, then what everybody can do."""
        codes = [self._codes.get(each.code) for each in reasons if each.kind == "modelo"]
        own = [code.advice_in(language) for code in codes if code is not None]
        general = [say(language, f"reports.notice_{name}") for name in ("review", "correct", "again")]
        return [*dict.fromkeys(words for words in own if words), *general]

    def _sources(self, language: Language) -> list[str]:
        """Give the fields that model and rules look at, by where they come from."""
        found: dict[str, list[str]] = {}
        for field in self.schema.fields:
            if field.name in self._used:
                found.setdefault(field.source_in(language), []).append(field.words_in(language).label)
        unknown = say(language, "reports.notice_unknown")
        ordered = sorted(found.items(), key=lambda pair: not pair[0])  # where nothing is said comes last
        return [
            say(language, "reports.notice_source", source=source or unknown, fields=", ".join(labels))
            for source, labels in ordered
        ]


def _line(text: str) -> str:
    """Give a text as one line, without characters that can't be seen."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _text(title: str, opening: Sequence[str], parts: Sequence[_Part], lender: str) -> str:
    lines = [*([_line(lender), ""] if lender else []), title, ""]
    for each in opening:
        lines += [_line(each), ""]
    for part in parts:
        lines += [f"{part.heading}:", *(f"- {_line(item)}" for item in part.items), ""]
    return "\n".join([*lines, _line(lender)] if lender else lines).rstrip() + "\n"


def _markdown(title: str, opening: Sequence[str], parts: Sequence[_Part], lender: str) -> str:
    lines = [f"# {_escaped(title)}", ""]
    if lender:
        lines = [f"**{_escaped(lender)}**", "", *lines]
    for each in opening:
        lines += [_escaped(each), ""]
    for part in parts:
        items = (f"{place}. {_escaped(item)}" for place, item in enumerate(part.items, 1))
        lines += [f"## {_escaped(part.heading)}", "", *items, ""]
    return "\n".join([*lines, _escaped(lender)] if lender else lines).rstrip() + "\n"


def _escaped(text: str) -> str:
    """Give a text with no sign that Markdown or HTML reads."""
    return _MARKS.sub(lambda found: "\\" + found[0], _line(text))
