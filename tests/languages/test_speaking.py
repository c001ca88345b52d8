"""A scorer in each language: the same decisions, with the words of that language alone."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad import Field, Schema, Scorer, TieredCache
from morosidad.errors import InvalidRecord, SchemaError
from morosidad.languages import LANGUAGES, Language, words
from morosidad.policy.decision import Decision
from morosidad.schema.ahorro_valle import AHORRO_VALLE
from support import small_frame, small_pipeline

RECORD = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
STRANGE = {**RECORD, "monto_credito": 9e12, "dias_mora_max_12m": 300}
LABELS = {"es": "Ingresos", "en": "Income", "pt": "Renda"}


@pytest.fixture(scope="module")
def scorers() -> dict[Language, Scorer]:
    return {language: Scorer.default(language=language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def labelled() -> Scorer:
    X, y = small_frame()
    schema = Schema.infer(X)
    fields = [msgspec.structs.replace(f, label=LABELS) if f.name == "ingresos" else f for f in schema.fields]
    return Scorer(small_pipeline(X, y), schema=schema.replace(fields), reference=X)


def numbers(decision: Decision) -> Any:
    return (
        decision.probabilities,
        decision.label,
        decision.outcome,
        [(r.code, r.field) for r in decision.reasons],
    )


def test_spanish_is_the_default_and_to_the_letter() -> None:
    assert Scorer.default().language == Schema([Field("a", "number")]).language == "es"
    decision = Scorer.default().score_one(RECORD)
    assert decision == Scorer.default(language="es").score_one(RECORD)
    assert "Tipo de garantía: no se informó" in [reason.text for reason in decision.reasons]


@pytest.mark.parametrize("language", LANGUAGES)
def test_decisions_differ_in_words_alone(scorers: dict[Language, Scorer], language: Language) -> None:
    scorer, spanish = scorers[language], scorers["es"]
    assert (scorer.language, scorer.digest) == (language, spanish.digest)
    for record in (RECORD, STRANGE):
        assert numbers(scorer.score_one(record)) == numbers(spanish.score_one(record))
    endings = [
        words(language, "records")[f"reason_{k}"].format(label="")
        for k in ("missing", "above", "below", "plain")
    ]
    for reason in scorer.score_one(STRANGE).reasons:
        assert any(reason.text.endswith(ending) for ending in endings), reason.text
    labels = {field.words_in(language).label for field in scorer.schema.fields}
    assert {reason.text.partition(":")[0] for reason in scorer.score_one(STRANGE).reasons} <= labels


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "debe estar entre 18 y 85"),
        ("en", "must be between 18 and 85"),
        ("pt", "deve estar entre 18 e 85"),
    ],
)
def test_errors_of_every_way_are_in_the_language(
    scorers: dict[Language, Scorer], language: Language, text: str
) -> None:
    scorer = scorers[language]
    with pytest.raises(InvalidRecord) as caught:
        scorer.score_one({**RECORD, "edad": 3})
    assert [(e.message, e.code) for e in caught.value.errors] == [(text, "rango")]
    (error,) = scorer.score_many([{**RECORD, "edad": 3}])
    assert error.errors == caught.value.errors  # type: ignore[union-attr]
    (why,) = scorer.frame_errors(pd.DataFrame([{**RECORD, "edad": 3}]))
    assert text in str(why)


def test_warnings_of_records_and_frames_are_the_same_in_each_language() -> None:
    X, y = small_frame()
    strange = X.head(3).assign(ingresos=1e9)
    for language in LANGUAGES:
        scorer = Scorer(small_pipeline(X, y), reference=X, language=language)
        said = [scorer.score_one(record).warnings for record in strange.to_dict("records")]
        assert scorer.score_frame(strange)["warnings"].tolist() == said
        beginning = words(language, "records")["out_of_range"].partition("{")[0]
        assert all(beginning in warnings[0] for warnings in said)


def test_a_loaded_and_a_reloaded_model_keep_the_language_and_a_file_has_none(
    labelled: Scorer, tmp_path: Path
) -> None:
    record = small_frame()[0].iloc[0].to_dict() | {"ingresos": None}
    path = tmp_path / "m"
    labelled.with_parts(language="en").save(path)
    assert Scorer.load(path).language == "es"
    scorer = Scorer.load(path, language="pt")
    scorer.reload()
    scorer._path.rebuild()
    assert (scorer.language, scorer.digest) == ("pt", labelled.digest)
    for language in LANGUAGES:
        said = scorer.with_parts(language=language)
        texts = [reason.text for reason in said.score_one(record).reasons if reason.field == "ingresos"]
        assert all(text.startswith(LABELS[language]) for text in texts)
        assert said.schema.json_schema()["properties"]["ingresos"]["title"] == LABELS[language]
    assert Scorer.load(path).schema["ingresos"].label == LABELS


def test_one_cache_holds_decisions_of_each_language() -> None:
    cache: TieredCache[Any, Any] = TieredCache()
    for _ in range(2):
        for language in LANGUAGES:
            scorer = Scorer.default(cache=cache, language=language)
            expected = Scorer.default(language=language).score_one(RECORD)
            assert scorer.score_one(RECORD).reasons == expected.reasons


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_notebook_shows_is_in_the_language(
    scorers: dict[Language, Scorer], language: Language
) -> None:
    decision = scorers[language].score_one(RECORD)
    for one in (decision, decision.for_request("1"), decision.as_cached("1")):
        html = one._repr_html_()
        assert words(language, "figures")["probability"] in html
        assert words(language, "records")[decision.outcome].capitalize() in html
    assert msgspec.json.decode(msgspec.json.encode(decision)).keys() == set(Decision.__struct_encode_fields__)


@given(
    language=st.sampled_from(LANGUAGES),
    record=st.dictionaries(
        st.sampled_from([*AHORRO_VALLE.names, "edat", ""]),
        st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.booleans() | st.just([]),
        max_size=6,
    ),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_wrong_is_wrong_in_each_language(language: Language, record: dict[str, Any]) -> None:
    """The same fields, with the same codes; and no message of one language is left in another."""

    def errors(schema: Schema) -> list[Any]:
        try:
            schema.validate(record)
        except InvalidRecord as error:
            return list(error.errors)
        return []

    spanish, found = errors(AHORRO_VALLE), errors(AHORRO_VALLE.in_language(language))
    assert [(e.field, e.code) for e in found] == [(e.field, e.code) for e in spanish]
    assert errors(pickle.loads(pickle.dumps(AHORRO_VALLE.in_language(language)))) == found
    if language == "en":
        assert not {e.message for e in found} & {e.message for e in spanish}


# -- labels by language --------------------------------------------------------------------------


def test_labels_units_and_help_are_given_by_language() -> None:
    field = Field("x", "number", label={"en": "Income"}, unit={"es": "pesos", "pt": "reais"}, help="?")
    assert field.words_in("en") == ("Income", "pesos", "?")
    assert field.words_in("pt") == ("Income", "reais", "?")
    schema = Schema([field])
    assert Schema.from_dict(msgspec.json.decode(msgspec.json.encode(schema.to_dict()))) == schema


@pytest.mark.parametrize("wrong", [{}, {"fr": "Revenu"}, {"es": 1}, {1: "x"}])
def test_words_of_no_language_are_refused(wrong: Any) -> None:
    with pytest.raises(SchemaError, match="by language"):
        Field("x", "number", label=wrong)


@pytest.mark.parametrize("wrong", ["fr", "ES", None, 3])
def test_what_is_no_language_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ValueError, match="'es', 'en', 'pt'"):
        Scorer.default(language=wrong)
    with pytest.raises(ValueError, match="'es', 'en', 'pt'"):
        Scorer.default().with_parts(language=wrong)
    with pytest.raises(ValueError, match="'es', 'en', 'pt'"):
        Schema([Field("a", "number")], language=wrong)


def test_the_words_of_the_shipped_schema_are_those_of_its_catalogue() -> None:
    known = words("es", "ahorro_valle")
    for field in AHORRO_VALLE.fields:
        found = {field.name: field.label, f"{field.name}_unit": field.unit, f"{field.name}_help": field.help}
        assert {name: text for name, text in found.items() if text} == {
            name: known[name] for name in found if name in known
        }
        assert all(f"{field.name}_{level}" in known for level in field.categories or ())
    assert Field("edad", "number", label="Edad del titular").words_in("en").label == "Edad del titular"
