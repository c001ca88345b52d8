"""The plan of a scorer: compiled form, backend, parity with the original, latency."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from morosidad.compiler.report import ParityReport
from morosidad.languages import Language, say
from morosidad.languages.translation import translated
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    from morosidad.scoring.content.calibration import PortfolioCalibration
else:
    PortfolioCalibration = Any  # loaded where a model has one


class Plan(msgspec.Struct, frozen=True):
    """How a scorer answers.

    Attributes
    ----------
    model : str
        ``name@version``.
    compiled : bool
        Whether a compiled form answers, and not scikit-learn.
    form : str
        The compiled form's kind, or ``scikit-learn``.
    fields : int
        Fields of a record.
    required : tuple of str
        Fields that a record must have, by the schema or because the model can't do without.
    reasons : str
        The scale of the contributions, or why there are none.
    notes : tuple of str
        Why there is no compiled form, and what a record can't express.
    parity : ParityReport or None
        How the compiled form compared with the original.
    latency : float
        Median seconds from validated values to a decision, measured now.
    cache : str
        With ``cache="auto"``: whether it is in use, and what was measured.
    default : str
        The label that means default.
    backend : str
        What evaluates the compiled form for one record: ``numba``, ``Python`` or both; empty where that
        is not known.
    protected : str
        The protected fields, and how much of the contributions each carries.
    directions : str
        The fields whose declared direction the model breaks.
    calibration : PortfolioCalibration or None
        How the model was moved to another default rate.
    """

    model: str
    compiled: bool
    form: str
    fields: int
    required: tuple[str, ...]
    reasons: str
    notes: tuple[str, ...]
    parity: ParityReport | None
    latency: float
    cache: str = ""
    default: str = ""
    backend: str = ""
    protected: str = ""
    directions: str = ""
    calibration: PortfolioCalibration | None = None

    def rows(self, language: Language = "en") -> list[tuple[str, str]]:
        """Give the plan as pairs of words.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, default='en'
            The language; what the compiler notes is in English in each.

        Returns
        -------
        list of (str, str)
            What is said of, and what is said; nothing where there is nothing to say.
        """
        told = partial(_told, language)
        form = told("form_by", form=self.form, backend=self.backend) if self.backend else self.form
        required = ", ".join(self.required) or told("none")
        found = [
            ("model", self.model),
            ("default", self.default),
            ("answers", told("compiled", form=form) if self.compiled else told("original")),
            ("note" if self.compiled else "why", "; ".join(self.notes)),
            ("fields", told("fields_of", number=self.fields, required=required)),
            ("parity", self.parity.told(language) if self.parity else told("not_checked")),
            ("reasons", translated(self.reasons, language, "reports")),
            ("protected", self.protected),
            ("directions", told("broken_directions", fields=self.directions) if self.directions else ""),
            ("calibrated", _calibrated(self.calibration, language)),
            ("cache", self.cache),
            ("latency", told("latency_of", duration=_duration(self.latency, language))),
        ]
        return [(told(name), text) for name, text in found if text]

    def told(self, language: Language) -> str:
        """Give the plan in words, a line for each pair.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            As in `rows`.

        Returns
        -------
        str
        """
        return in_columns(self.rows(language))

    def __str__(self) -> str:
        return self.told("en")

    def _repr_html_(self) -> str:
        from html import escape  # only notebooks show it

        left = "text-align:left"
        cells = "".join(
            f'<tr><th style="{left}">{escape(name)}</th><td style="{left}">{escape(text)}</td></tr>'
            for name, text in self.rows()
        )
        return f"<table>{cells}</table>"


def in_columns(rows: Sequence[tuple[str, str]]) -> str:
    """Write pairs of words, a line for each.

    Parameters
    ----------
    rows : sequence of (str, str)
        What is said of, and what is said.

    Returns
    -------
    str
    """
    width = max(8, *(len(name) for name, _ in rows))
    return "\n".join(f"{name:<{width}} {text}" for name, text in rows)


def _told(language: Language, name: str, **values: object) -> str:
    return say(language, f"reports.{name}", **values)


def _calibrated(calibration: PortfolioCalibration | None, language: Language) -> str:
    if calibration is None:
        return ""
    facts = {name: getattr(calibration, name) for name in ("to", "of", "shift")}
    return _told(language, f"calibrated_{calibration.base}", **facts)


def _duration(seconds: float, language: Language = "en") -> str:
    if seconds != seconds:
        return say(language, "reports.unknown_time")
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def _protected(model: StoredModel) -> str:
    shares = model.protected_shares
    fields = [field.name for field in model.schema.fields if field.protected]
    return ", ".join(f"{name} {shares[name]:.1%}" if name in shares else name for name in fields)


def plan_of(model: StoredModel, cache: str = "") -> Plan:
    """Describe a model, measuring how long one decision takes.

    Parameters
    ----------
    model : StoredModel
        What answers.
    cache : str
        What is known of an automatic cache.

    Returns
    -------
    Plan
    """
    compiled = model.compiled
    form, latency = compiled.form, model.latency()
    if model.sampled is not None:
        reasons = _told("en", "reasons_sampled", sample=model.sampled, duration=_duration(latency))
    elif form is None:
        reasons = _told("en", "reasons_not_compiled")
    elif compiled.explain_one is None:
        reasons = _told("en", "reasons_no_reference")
    elif model.background:
        told = {"scale": form.scale, "rows": len(model.background), "duration": _duration(latency)}
        reasons = _told("en", "reasons_background", **told)
    else:
        reasons = _told("en", "reasons_scale", scale=form.scale)
    return Plan(
        model=model.identity,
        compiled=form is not None,
        form="scikit-learn" if form is None else type(form).__name__,
        fields=len(model.schema),
        required=tuple(field.name for field in model.schema.fields if field.required),
        reasons=reasons,
        notes=compiled.notes,
        parity=compiled.parity,
        latency=latency,
        cache=cache,
        default=repr(model.labels[1]) if isinstance(model.labels[1], str) else str(model.labels[1]),
        backend="" if form is None else compiled.backend,
        protected=_protected(model),
        directions=", ".join(model.broken_directions),
        calibration=model.calibration,
    )
