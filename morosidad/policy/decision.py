"""The decision on one applicant, its reasons, and the error in the place of a bad record."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal, NamedTuple, Protocol, Self, get_args

import msgspec
from msgspec.structs import force_setattr

from morosidad.errors import FieldError, NoticeError
from morosidad.languages import Language, say, write_number

DecisionOutcome = Literal["aprobar", "revisar", "rechazar"]
OUTCOMES: tuple[DecisionOutcome, ...] = get_args(DecisionOutcome)
"""In the order of the probability of default."""

Score = int | float
"""Points of one applicant: whole ones where the scale of the policy rounds."""

COLOURS = {"aprobar": "#1b7f4d", "revisar": "#b26a00", "rechazar": "#b3261e"}


class Reason(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One field that raises the risk of an applicant, or lowers it where both were asked for.

    Attributes
    ----------
    code : str
        The lender's, where the policy has one for the field; else the field's name.
    field : str
        The field's name; where several share a code, that of the one with the largest contribution.
    text : str
        For people, in the language of the scorer; it holds no value unless the policy shows values.
    contribution : float
        The field's share on the model's own scale (log-odds, or probability for forests), against
        the reference applicants; of fields that share a code, the sum. Only positive shares become
        reasons, unless all were asked for, and none within the noise.
    value : str or None
        The applicant's value as the text says it, in brackets at its end; None where it says none.
    kind : {'modelo', 'regla'}
        Whether the model gives it, or a rule of the policy: then its code is the rule's, and it has no
        field and a contribution of 0.
    """

    code: str = msgspec.field(name="codigo")
    field: str = msgspec.field(name="campo")
    text: str = msgspec.field(name="texto")
    contribution: float = msgspec.field(name="aporte")
    value: str | None = msgspec.field(name="valor", default=None)
    kind: Literal["modelo", "regla"] = msgspec.field(name="tipo", default="modelo")

    def without_value(self) -> Reason:
        """Give the same reason with no value in it.

        Returns
        -------
        Reason
        """
        if self.value is None:
            return self
        return Reason(self.code, self.field, self.text.removesuffix(f" ({self.value})"), self.contribution)


class Notice(NamedTuple):
    """A letter to an applicant.

    Attributes
    ----------
    text : str
        Plain.
    markdown : str
        The same as Markdown.
    codes : tuple of str
        Those of the reasons in it, in order.
    language : {'es', 'en', 'pt'}
        Of the letter.
    """

    text: str
    markdown: str
    codes: tuple[str, ...]
    language: Language

    def __str__(self) -> str:
        return self.text


class NoticeSource(Protocol):
    """Who decides, and can write a notice about it."""

    def notice(self, decision: Decision, language: Language | None = None, lender: str = "") -> Notice:
        """Write the notice about a decision."""
        ...


class Decision(msgspec.Struct, frozen=True, dict=True):
    """What a scorer answers about one applicant. As JSON, its keys are those of the wire.

    Attributes
    ----------
    label : int or None
        1 where the probability of default is above the model's threshold, else 0; None, as probabilities
        and confidence, where a rule declines before the model is asked.
    probabilities : tuple of (float, float), or None
        Of no default and of default.
    confidence : float or None
        The larger of the two probabilities.
    outcome : {'aprobar', 'revisar', 'rechazar'}
        Where the probability falls among the policy's cut-offs, and what its rules make of that.
    reasons : tuple of Reason
        The rules that fired, in order, then what raises the risk, strongest first.
    model : str
        ``name@version``.
    warnings : tuple of str
        In the language of the scorer: values outside what the training data held, and what else is
        unusual.
    cached : str or None
        ``acierto`` where a cache held the decision, else None.
    degraded : bool
        Whether a fallback answered in the model's place.
    request_id : str or None
        As the caller gave it.
    rules : tuple of str
        The codes of the rules that fired, in order.
    policy : str
        ``version@digest`` of the policy.
    points : int, float or None
        On the policy's scale, where it has one and the model was asked.
    language : {'es', 'en', 'pt'}
        Of what a notebook shows; no part of the JSON.
    """

    language: ClassVar[Language] = "es"

    label: int | None = msgspec.field(name="prediccion")
    probabilities: tuple[float, float] | None = msgspec.field(name="probabilidades")
    confidence: float | None = msgspec.field(name="confianza")
    outcome: DecisionOutcome = msgspec.field(name="decision")
    reasons: tuple[Reason, ...] = msgspec.field(name="motivos", default=())
    model: str = msgspec.field(name="modelo", default="")
    warnings: tuple[str, ...] = msgspec.field(name="advertencias", default=())
    cached: str | None = msgspec.field(name="cache", default=None)
    degraded: bool = msgspec.field(name="degradado", default=False)
    request_id: str | None = None
    rules: tuple[str, ...] = msgspec.field(name="reglas", default=())
    policy: str = msgspec.field(name="politica", default="")
    points: Score | None = msgspec.field(name="puntos", default=None)

    @property
    def probability(self) -> float | None:
        """The probability of default; None where the model was not asked."""
        return None if self.probabilities is None else self.probabilities[1]

    def as_cached(self, request_id: str | None) -> Decision:
        """Give the same decision as a cache answers it to another request.

        Parameters
        ----------
        request_id : str or None
            That of the request that the cache answers.

        Returns
        -------
        Decision
            A copy with this request id and ``cached="acierto"``.
        """
        answer: Decision = self.__copy__()  # type: ignore[attr-defined]  # every field, also a new one
        force_setattr(answer, "cached", "acierto")
        force_setattr(answer, "request_id", request_id)
        return answer.from_same(self)

    def made_by(self, source: NoticeSource) -> Self:
        """Note who decided, for notices; no part of the JSON.

        Parameters
        ----------
        source : NoticeSource
            Who decided.

        Returns
        -------
        Decision
            This one.
        """
        vars(self)["source"] = source
        return self

    def from_same(self, other: Decision) -> Self:
        """Note the same language and the same who decided.

        Parameters
        ----------
        other : Decision
            A decision of the same model.

        Returns
        -------
        Decision
            This one.
        """
        vars(self).update(vars(other))
        return self

    def notice(self, *, language: Language | None = None, lender: str = "") -> Notice:
        """Write the letter to the applicant: the decision and why, what they can do, which data were used.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, optional
            By default that of the scorer.
        lender : str, optional
            Who signs.

        Returns
        -------
        Notice
            With at most four principal reasons.

        Raises
        ------
        NoticeError
            If an application is declined without any reason that may be said, or this decision comes from
            elsewhere than a scorer, such as a log: `Scorer.notice` writes it then.
        """
        source: NoticeSource | None = vars(self).get("source")
        if source is None:
            words = "this decision comes from no scorer; scorer.notice(decision) writes the notice"
            raise NoticeError(words, self.policy)
        return source.notice(self, language, lender)

    def in_language(self, language: Language) -> Decision:
        """Note the language of the texts, for what a notebook shows; they themselves stay as they are.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            The language.

        Returns
        -------
        Decision
            This one.
        """
        if language != self.language:
            vars(self)["language"] = language
        return self

    def for_request(self, request_id: str | None, warnings: tuple[str, ...] | None = None) -> Decision:
        """Give the same decision under another request id.

        Parameters
        ----------
        request_id : str or None
            That of the request; None for a decision that is kept for others.
        warnings : tuple of str, optional
            What is unusual about the record of that request; the decision's own warnings when not given.

        Returns
        -------
        Decision
            A copy.
        """
        answer: Decision = self.__copy__()  # type: ignore[attr-defined]
        force_setattr(answer, "request_id", request_id)
        if warnings is not None:
            force_setattr(answer, "warnings", warnings)
        return answer.from_same(self)

    def _repr_html_(self) -> str:
        from html import escape  # only notebooks show it

        colour, told = COLOURS[self.outcome], partial(say, self.language)
        outcome, probability = told(f"records.{self.outcome}"), told("figures.probability")
        written = partial(write_number, self.language)
        reasons = "".join(
            f"<li>{escape(reason.text)} <small>({escape(reason.code)})</small></li>"
            if reason.kind == "regla"
            else f"<li>{escape(reason.text)} <small>({written(reason.contribution, '+.2f')})</small></li>"
            for reason in self.reasons
        )
        notes = "".join(f"<div><small>{escape(warning)}</small></div>" for warning in self.warnings)
        figure = "—" if self.probability is None else written(self.probability, ".1%")
        points = (
            ""
            if self.points is None
            else f" · {told('figures.points')} <b>{written(self.points, '.10g')}</b>"
        )
        return (
            f'<div style="border:1px solid #8888;border-left:6px solid {colour};border-radius:6px;'
            f'padding:.6em 1em;max-width:34em;font-family:sans-serif">'
            f'<div><b style="color:{colour};font-size:1.1em">{outcome.capitalize()}</b>'
            f" · {probability} <b>{figure}</b>{points}</div>"
            f'<ol style="margin:.4em 0 .2em 1.2em;padding:0">{reasons}</ol>{notes}'
            f"<div><small>{escape(self.model)}</small></div></div>"
        )


Fired = tuple[int, ...]
"""The rules that fired, in order: twice a rule's place, and one more where a missing value made it fire."""


class Ruling(NamedTuple):
    """What rules decide about a record.

    Attributes
    ----------
    outcome : {'aprobar', 'revisar', 'rechazar'} or None
        None where none fired and nobody else says anything.
    fired : tuple of int
        The rules that fired.
    final : bool
        Whether that is the decision, whatever others say.
    """

    outcome: DecisionOutcome | None
    fired: Fired
    final: bool


NOTHING = Ruling(None, (), final=False)
"""No rule fired."""


class RecordError(msgspec.Struct, frozen=True):
    """Stands in the place of a record that could not be decided.

    Attributes
    ----------
    index : int
        Its place among the records, from 0.
    errors : tuple of FieldError
        Every wrong field.
    """

    index: int = msgspec.field(name="indice")
    errors: tuple[FieldError, ...] = msgspec.field(name="errores")
