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
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

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
        Its schema gives the fields, its policy the cut-offs.

    Returns
    -------
    str
        The page as HTML.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    fields = list(enumerate(scorer.schema.fields))
    made_up = str(scorer.training.get("data", "")).startswith("synthetic")
    return _render(
        "form.html",
        model=escape(scorer.model),
        review_at=repr(scorer.policy.review_at),
        decline_at=repr(scorer.policy.decline_at),
        examples=_attribute(examples(scorer.schema, scorer.drift_reference)),
        synthetic=_template("synthetic.html").template if made_up else "",
        groups=_group("Datos obligatorios", ((i, f) for i, f in fields if f.required))
        + _group("Datos opcionales", ((i, f) for i, f in fields if not f.required)),
    )


def dashboard_page() -> str:
    """Render the dashboard; its figures come later, from the server's own addresses.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    metas = "".join(f'<meta id="{name}">' for name in inline_style_ids())
    return _render("dashboard.html", charts=assets().path(CHARTS), metas=metas)


def field_spec(field: Field) -> dict[str, Any]:
    """Say what a browser must know to check a value as the schema does, with the schema's own words."""
    levels = field.usual_levels
    spec = {
        "nombre": field.name,
        "etiqueta": field.label,
        "clase": field.kind,
        "obligatorio": field.required,
        "ge": field.ge,
        "gt": field.gt,
        "le": field.le,
        "lt": field.lt,
        "enteros": levels is not None and isinstance(levels[0], int),
        "mensajes": _messages(field),
    }
    return {key: value for key, value in spec.items() if value is not None}


def _messages(field: Field) -> dict[str, str]:
    """Ask the schema what it says of each kind of wrong value."""
    wrong: dict[str, Any] = {"falta": None, "tipo": "texto" if field.kind == "category" else {}}
    if field.kind in _MODES:
        wrong["alcance"] = _MANY
    if field.limits:
        low, high = field.interval
        wrong["rango"] = low - max(1.0, abs(low)) if isfinite(low) else high + max(1.0, abs(high))
    schema = Schema([field])
    found = {}
    for name, value in wrong.items():
        try:
            schema.validate({field.name: value})
        except InvalidRecord as error:
            found[name] = error.errors[0].message
    return found


def _group(title: str, fields: Iterable[tuple[int, Field]]) -> str:
    rendered = "".join(_field(place, field) for place, field in fields)
    if not rendered:
        return ""
    return f'<fieldset><legend>{title}</legend><div class="campos">{rendered}</div></fieldset>'


def _field(place: int, field: Field) -> str:
    name = f"c{place}"
    hints = " ".join(part for part in (field.help, _limits(field)) if part)
    return _template("field.html").substitute(
        id=name,
        spec=_attribute(field_spec(field)),
        label=escape(field.label),
        control=_control(name, field),
        unit=f'<span class="unidad">{escape(field.unit)}</span>' if field.unit else "",
        help=escape(hints),
    )


def _limits(field: Field) -> str:
    return f"{field.limits[0].upper()}{field.limits[1:]}." if field.limits else ""


def _control(name: str, field: Field) -> str:
    shared = (
        f'id="{name}" name="{escape(field.name)}" aria-describedby="{name}-ayuda {name}-nota {name}-error"'
    )
    shared += " required" if field.required else ""
    if field.kind == "boolean":
        return _select(shared, [("true", "Sí"), ("false", "No")])
    if field.categories is not None:
        codes = [] if field.required else field.missing
        named = [(str(code), name or str(code)) for code, name in codes if isinstance(code, str) and code]
        return _select(shared, [*((str(level), _words(level)) for level in field.categories), *named])
    mode = _MODES.get(field.kind, "text")
    suggestions = "".join(f'<option value="{escape(str(level))}">' for level in field.usual_levels or ())
    if not suggestions:
        return f'<input {shared} inputmode="{mode}" autocomplete="off" spellcheck="false">'
    return (
        f'<input {shared} list="{name}-opciones" inputmode="{mode}" autocomplete="off" spellcheck="false">'
        f'<datalist id="{name}-opciones">{suggestions}</datalist>'
    )


def _select(shared: str, options: Iterable[tuple[str, str]]) -> str:
    rendered = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
    return f'<select {shared}><option value="">Elija…</option>{rendered}</select>'


def _words(level: str | int) -> str:
    text = " ".join(_SPELT.get(word, word) for word in str(level).replace("_", " ").split(" ")).strip()
    return text[:1].upper() + text[1:]


def _attribute(data: Any) -> str:
    return escape(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def _render(name: str, **parts: str) -> str:
    found = assets()
    return _template(name).substitute(parts, static=found.path("base.css").rpartition("/")[0])


@cache
def _template(name: str) -> Template:
    return Template((_FOLDER / name).read_text(encoding="utf-8"))
