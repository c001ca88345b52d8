"""Notices, and reason codes on every path: records, frames, the log and the wire say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from morosidad import AuditLog, Decision, Policy, Reason, Rule, Schema, Scorer, TieredCache, make_applicants
from morosidad.compiler.proof.sampled_shapley import told_apart
from morosidad.errors import NoticeError, SettingsError
from morosidad.languages import LANGUAGES
from morosidad.policy.codes import ReasonCode
from morosidad.policy.notices import PRINCIPAL, NoticeWriter

CODES = (
    ReasonCode(
        "07",
        ("ingresos_mensuales", "gastos_mensuales", "cuota_deudas_mensual"),
        {"es": "Capacidad de pago baja", "en": "Low ability to pay", "pt": "Baixa capacidade de pagamento"},
        {"es": "Pida un plazo mayor.", "en": "Ask for a longer term.", "pt": "Peça um prazo maior."},
    ),
    ReasonCode("11", ("credito_score", "dias_mora_max_12m"), "Historia de pago"),
)
POLICY = Policy(
    review_at=0.05,
    decline_at=0.15,
    codes=CODES,
    rules=(Rule("edad < 25", "revisar", "P1", {"es": "Edad *baja*", "en": "Low age"}),),
)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.default(policy=POLICY)


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    frame = make_applicants(250, seed=4).drop(columns="moroso_12m")
    return [{k: None if v != v else v for k, v in row.items()} for row in frame.to_dict("records")]


@pytest.fixture(scope="module")
def declined(scorer: Scorer, records: list[dict[str, Any]]) -> Decision:
    found = (scorer.score_one(record, "s-1") for record in records)
    return next(d for d in found if d.outcome == "rechazar" and len(d.reasons) == 4)


def test_records_frames_logs_and_caches_have_the_codes_of_each(
    scorer: Scorer, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    one = [scorer.score_one(record) for record in records]
    codes = {reason.code for each in one for reason in each.reasons}
    assert {"07", "11", "P1", "edad"} <= codes
    assert not codes & {name for code in CODES for name in code.fields}
    without = Scorer.default(policy=msgspec.structs.replace(POLICY, rules=()))
    assert without.score_many(records) == [without.score_one(record) for record in records]
    frame = make_applicants(250, seed=4).drop(columns="moroso_12m")
    texts = scorer.score_frame(frame, reasons=True)["reasons"].tolist()
    assert texts == [[reason.text for reason in each.reasons] for each in one]
    with AuditLog(tmp_path / "a.jsonl") as log:
        scorer.with_parts(audit=log).score_frame(frame)
    lines = [msgspec.json.decode(line) for line in (tmp_path / "a.jsonl").read_bytes().splitlines()]
    assert [line["motivos"] for line in lines] == [
        msgspec.json.decode(msgspec.json.encode(each))["motivos"] for each in one
    ]
    cached = scorer.with_parts(cache=TieredCache())
    for record, expected in zip(records[:10], one, strict=False):
        for _ in range(2):
            found = cached.score_one(record)
            assert found.reasons == expected.reasons
            if found.outcome != "rechazar" or found.reasons:
                assert found.notice() == expected.notice()


def test_all_reasons_are_told_by_the_same_codes(scorer: Scorer, records: list[dict[str, Any]]) -> None:
    found = scorer.score_one(records[0], reasons="all")
    codes = [reason.code for reason in found.reasons]
    assert len(set(codes)) == len(codes) > 4
    contributions = scorer.contributions(records[0]).contributions
    (payment,) = [reason for reason in found.reasons if reason.code == "07"]
    assert payment.contribution == pytest.approx(sum(contributions[name] for name in CODES[0].fields))
    assert found.notice().codes == scorer.score_one(records[0]).notice().codes or len(codes) > PRINCIPAL


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_says_why_what_to_do_and_where_the_data_come_from(declined: Decision, language: Any) -> None:
    notice = declined.notice(language=language, lender="Ahorro Valle")
    assert notice.language == language
    assert notice.text.startswith("Ahorro Valle\n")
    assert notice.codes == tuple(reason.code for reason in declined.reasons)
    assert all(code in notice.text for code in notice.codes)
    assert "s-1" in notice.text
    assert ("07" in notice.codes) <= (CODES[0].text_in(language) in notice.text)
    assert ("07" in notice.codes) <= (CODES[0].advice_in(language) in notice.text)
    plain = notice.markdown.replace("\\", "")
    assert all(line.lstrip("- ").rstrip(":") in plain for line in notice.text.splitlines())
    assert str(notice) == notice.text


def test_sources_of_fields_stand_in_the_letter_and_in_schema_files(
    declined: Decision, scorer: Scorer
) -> None:
    fields = [
        msgspec.structs.replace(f, source={"es": "central de riesgo", "en": "credit bureau"})
        if f.name == "credito_score"
        else f
        for f in scorer.schema.fields
    ]
    schema = scorer.schema.replace(fields)
    assert Schema.from_dict(schema.to_dict()) == schema
    writer = NoticeWriter(schema, POLICY, ["credito_score", "edad"])
    text = writer.notice(declined, "en").text
    assert "- credit bureau: " in text
    assert "- Source not stated: Age" in text
    assert text.index("credit bureau") < text.index("Source not stated")


def test_a_notice_holds_four_reasons_each_once_and_no_markup_of_theirs(scorer: Scorer) -> None:
    reasons = (
        Reason("P1", "", "Edad *baja* [x](http://x) <b>\n# y", 0.0, kind="regla"),
        Reason("P1", "", "Edad *baja*", 0.0, kind="regla"),
        *(Reason(f"c{i}", "edad", f"Texto {i}", 1.0 - i / 10) for i in range(6)),
        Reason("c9", "edad", "Baja", -1.0),
    )
    decision = Decision(1, (0.1, 0.9), 0.9, "rechazar", reasons, policy=POLICY.identity)
    notice = scorer.notice(decision)
    assert notice.codes == ("c0", "c1", "c2", "c3")  # the rule asks for less than what was decided
    decision = msgspec.structs.replace(decision, outcome="revisar")
    notice = scorer.notice(decision)
    assert notice.codes == ("P1", "c0", "c1", "c2")
    assert "\n1. Edad \\*baja\\* \\[x\\]\\(http://x\\) \\<b\\> \\# y \\(código P1\\)\n" in notice.markdown
    assert "# y" in notice.text.split("\n- ")[1]
    assert scorer.notice(decision, language="en").text.count("Low age (code P1)") == 1
    assert "Age: raises the risk (code c0)" in scorer.notice(decision, language="en").text


def test_approvals_and_reviews_have_letters_and_others_are_refused(scorer: Scorer) -> None:
    approved = Decision(0, (0.99, 0.01), 0.99, "aprobar", policy=POLICY.identity)
    assert scorer.notice(approved).codes == ()
    assert "aprobamos" in scorer.notice(approved).text
    review = msgspec.structs.replace(approved, outcome="revisar")
    assert "una persona" in scorer.notice(review).text
    bare = msgspec.structs.replace(approved, outcome="rechazar")
    assert "Razones principales" not in scorer.notice(review).text
    with pytest.raises(NoticeError, match="without a reason"):
        scorer.notice(bare)
    with pytest.raises(NoticeError, match="another policy"):
        scorer.notice(msgspec.structs.replace(approved, policy="1@0"))
    with pytest.raises(NoticeError, match="comes from no scorer"):
        approved.notice()
    with pytest.raises(SettingsError, match="language"):
        scorer.notice(approved, language="fr")  # type: ignore[arg-type]
    knocked = Policy(rules=(Rule("edad > 10", "rechazar", "K", "Fuera de la política", stage="before"),))
    decision = Scorer.default(policy=knocked).score_one(
        {"edad": 40, "ingresos_mensuales": 2e6, "monto_credito": 5e6, "plazo_meses": 24}
    )
    assert decision.notice().codes == ("K",)
    assert decision.as_cached("x").notice().codes == ("K",)
    assert decision.for_request("x").notice(language="en").codes == ("K",)


def test_sampled_contributions_within_two_standard_errors_are_no_reason() -> None:
    shares = np.array([0.1, 0.1, -0.1, 0.1, 0.0])
    errors = np.array([0.04, 0.05, 0.01, np.nan, 0.0])
    assert told_apart(shares, errors).tolist() == [0.1, 0.0, -0.1, 0.0, 0.0]


RULED = Policy(
    review_at=0.2,
    decline_at=0.5,
    rules=(
        Rule("edad > 30", "aprobar", "A", "Edad buena"),
        Rule("edad > 40", "revisar", "B", "Edad alta"),
        Rule("plazo_meses > 90", "rechazar", "C", "Plazo largo", on_missing="revisar"),
        Rule("zona == 'rural'", "aprobar", "D", "Zona", on_missing="revisar"),
    ),
)


@pytest.mark.parametrize(
    ("outcome", "p", "expected"),
    [
        ("rechazar", 0.6, ("C", "m")),
        ("rechazar", 0.3, ("C",)),  # the rule alone declines
        ("revisar", 0.6, ("B", "C", "D", "m")),
        ("revisar", 0.1, ("B", "C", "D")),
        ("aprobar", 0.1, ()),
    ],
)
def test_only_what_made_the_decision_is_a_principal_reason(
    outcome: Any, p: float, expected: tuple[str, ...]
) -> None:
    schema = Scorer.default().schema
    reasons = (
        *(Reason(code, "", code, 0.0, kind="regla") for code in "ABCD"),
        Reason("m", "monto_credito", "Monto", 1.0),
    )
    decision = Decision(int(p > 0.5), (1 - p, p), 1 - p, outcome, reasons, policy=RULED.identity)
    assert NoticeWriter(schema, RULED, ["edad"]).notice(decision).codes == expected


def test_the_data_of_rules_are_among_those_that_were_used() -> None:
    schema = Scorer.default().schema
    decision = Decision(1, (0.4, 0.6), 0.6, "revisar", (), policy=RULED.identity)
    text = NoticeWriter(schema, RULED, ["monto_credito"]).notice(decision).text
    for name in ("monto_credito", "edad", "plazo_meses", "zona"):
        assert schema[name].words_in("es").label in text
    assert schema["deuda_actual"].words_in("es").label not in text
