"""The pages, rendered on the server: the form, made from a schema, and the dashboard."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from html import escape
from math import isfinite
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from morosidad.asgi.pages.assets import CHARTS, assets, inline_style_ids
from morosidad.asgi.pages.examples import examples
from morosidad.errors import InvalidRecord
from morosidad.languages import Language, say, words
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema
from morosidad.schema.wording import SHIPPED

if TYPE_CHECKING:
    from morosidad.scoring.scorer import Scorer

_FOLDER = Path(__file__).parent / "html"
_MODES = {"integer": "numeric", "number": "decimal"}
_SPELT = {
    "agricola": "agrícola",
    "educacion": "educación",
    "microcredito": "microcrédito",
    "tecnica": "técnica",
    "vehiculo": "vehículo",
}
"""How words are spelt for people that stand without their accent in the codes of the default schema."""
_MANY = 10**400  # more than any number has room for


def form_page(scorer: Scorer) -> str:
    """Render the form that asks for an applicant and shows the decision.

    Parameters
    ----------
    scorer : Scorer
        Its schema gives the fields, its policy the cut-offs, its language the words.

    Returns
    -------
    str
        The page as HTML.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    fields, language = list(enumerate(scorer.schema.fields)), scorer.language
    made_up = str(scorer.training.get("data", "")).startswith("synthetic")
    return _render(
        "form.html",
        language,
        model=escape(scorer.model),
        review_at=repr(scorer.policy.review_at),
        decline_at=repr(scorer.policy.decline_at),
        examples=_attribute(examples(scorer.schema, scorer.drift_reference)),
        synthetic=_render("synthetic.html", language) if made_up else "",
        groups=_group("required_data", ((i, f) for i, f in fields if f.required), language)
        + _group("optional_data", ((i, f) for i, f in fields if not f.required), language),
    )


def dashboard_page(language: Language = "es") -> str:
    """Render the dashboard; its figures come later, from the server's own addresses.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        The language of the words.

    Returns
    -------
    str
        The page as HTML.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    metas = "".join(f'<meta id="{name}">' for name in inline_style_ids())
    return _render("dashboard.html", language, charts=assets(language).path(CHARTS), metas=metas)


def field_spec(field: Field, language: Language = "es") -> dict[str, Any]:
    """Say what a browser must know to check a value as the schema does, with the schema's own words."""
    levels = field.usual_levels
    spec = {
        "nombre": field.name,
        "etiqueta": field.words_in(language).label,
        "clase": field.kind,
        "obligatorio": field.required,
        "fijo": not field.is_mutable or None,
        "ge": field.ge,
        "gt": field.gt,
        "le": field.le,
        "lt": field.lt,
        "faltantes": list(field.codes) or None,
        "enteros": levels is not None and isinstance(levels[0], int),
        "mensajes": _messages(field, language),
    }
    return {key: value for key, value in spec.items() if value is not None}


def _messages(field: Field, language: Language) -> dict[str, str]:
    """Ask the schema what it says of each kind of wrong value."""
    wrong: dict[str, Any] = {"falta": None, "tipo": "texto" if field.kind == "category" else {}}
    if field.kind in _MODES:
        wrong["alcance"] = _MANY
    if field.limits_in(language):
        low, high = field.interval
        wrong["rango"] = low - max(1.0, abs(low)) if isfinite(low) else high + max(1.0, abs(high))
    schema = Schema([field], language=language)
    found = {}
    for name, value in wrong.items():
        try:
            schema.validate({field.name: value})
        except InvalidRecord as error:
            found[name] = error.errors[0].message
    return found


def _group(title: str, fields: Iterable[tuple[int, Field]], language: Language) -> str:
    rendered = "".join(_field(place, field, language) for place, field in fields)
    if not rendered:
        return ""
    legend = say(language, f"pages.{title}")
    return f'<fieldset><legend>{legend}</legend><div class="campos">{rendered}</div></fieldset>'


def _field(place: int, field: Field, language: Language) -> str:
    name, shown = f"c{place}", field.words_in(language)
    hints = " ".join(part for part in (shown.help, _limits(field, language)) if part)
    return _template("field.html").substitute(
        id=name,
        spec=_attribute(field_spec(field, language)),
        label=escape(shown.label),
        control=_control(name, field, language),
        unit=f'<span class="unidad">{escape(shown.unit)}</span>' if shown.unit else "",
        help=escape(hints),
    )


def _limits(field: Field, language: Language) -> str:
    limits = field.limits_in(language)
    return f"{limits[0].upper()}{limits[1:]}." if limits else ""


def _control(name: str, field: Field, language: Language) -> str:
    shared = (
        f'id="{name}" name="{escape(field.name)}" aria-describedby="{name}-ayuda {name}-nota {name}-error"'
    )
    shared += " required" if field.required else ""
    codes = [] if field.required else field.missing
    named = [(str(code), name or str(code)) for code, name in codes if code != ""]
    if field.kind == "boolean":
        answers = [("true", say(language, "pages.yes")), ("false", say(language, "pages.no"))]
        return _select(shared, [*answers, *named], language)
    if field.categories is not None:
        levels = [(str(level), _words(level, field, language)) for level in field.categories]
        return _select(shared, [*levels, *named], language)
    mode = _MODES.get(field.kind, "text")
    suggestions = "".join(f'<option value="{escape(str(level))}">' for level in field.usual_levels or ())
    if not suggestions:
        return f'<input {shared} inputmode="{mode}" autocomplete="off" spellcheck="false">'
    return (
        f'<input {shared} list="{name}-opciones" inputmode="{mode}" autocomplete="off" spellcheck="false">'
        f'<datalist id="{name}-opciones">{suggestions}</datalist>'
    )


def _select(shared: str, options: Iterable[tuple[str, str]], language: Language) -> str:
    rendered = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
    return f'<select {shared}><option value="">{say(language, "pages.choose")}</option>{rendered}</select>'


def _words(level: str | int, field: Field, language: Language) -> str:
    """Write a category for people: that of the shipped schema in the language of the page."""
    known = words(language, SHIPPED).get(f"{field.name}_{level}")
    shipped = words("es", SHIPPED).get(field.name) == field.words_in("es").label
    if language != "es" and known is not None and shipped:
        return known
    text = " ".join(_SPELT.get(word, word) for word in str(level).replace("_", " ").split(" ")).strip()
    return text[:1].upper() + text[1:]


def _attribute(data: Any) -> str:
    return escape(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def _render(name: str, language: Language, **parts: str) -> str:
    texts = {f"say_{name}": escape(text) for name, text in words(language, "pages").items()}
    static = assets(language).path("base.css").rpartition("/")[0]
    return _template(name).substitute(texts, language=language, static=static, **parts)


@cache
def _template(name: str) -> Template:
    return Template((_FOLDER / name).read_text(encoding="utf-8"))
