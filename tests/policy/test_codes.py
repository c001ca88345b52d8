"""The lender's reason codes: catalogues, what may be said, shared codes, and noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad import Field, Policy, Schema
from morosidad.errors import SettingsError
from morosidad.policy.codes import LONGEST, MOST, ReasonCode, as_catalogue, read_codes
from morosidad.policy.policy_file import LARGEST
from morosidad.policy.reasons import ReasonWriter

SCHEMA = Schema([Field(name, "number") for name in ("a", "b", "c", "d")])
USUAL = [0.0] * 4
CATALOGUE = (
    ReasonCode("07", ("a", "c"), {"es": "Deuda alta", "en": "High debt"}, {"es": "Pague antes"}),
    ReasonCode("09", ("b",)),
)


def told(writer: ReasonWriter, shares: list[float], most: int = 4) -> list[tuple[str, str, str, float]]:
    reasons = writer.reasons((1.0, None, -1.0, 0.0), shares, most)
    return [(each.code, each.field, each.text, each.contribution) for each in reasons]


def test_fields_of_one_code_add_up_under_the_words_of_the_catalogue() -> None:
    writer = ReasonWriter(SCHEMA, USUAL, codes=CATALOGUE, show_values=True)
    assert told(writer, [0.2, 0.3, 0.5, 0.1]) == [
        ("07", "c", "Deuda alta", 0.7),
        ("09", "b", "B: no se informó", 0.3),
        ("d", "d", "D: aumenta el riesgo (0)", 0.1),
    ]
    assert told(writer, [0.9, 0.0, -1.0, 0.0]) == []
    both = writer.both_directions((1.0, None, -1.0, 0.0), [0.1, 0.0, -0.6, 0.0])
    assert [(r.code, r.field, r.text, r.contribution) for r in both] == [
        ("07", "c", "C: reduce el riesgo", -0.5)
    ]
    assert (
        told(ReasonWriter(SCHEMA.in_language("en"), USUAL, codes=CATALOGUE), [1.0, 0.0, 0.0, 0.0])[0][2]
        == "High debt"
    )


def test_only_what_is_allowed_is_said() -> None:
    shares = [0.4, 0.3, 0.2, 0.1]
    for allowed, expected in ((("09", "d"), ["09", "d"]), ("codes", ["07", "09"]), ((), [])):
        writer = ReasonWriter(SCHEMA, USUAL, codes=CATALOGUE, allowed=allowed)  # type: ignore[arg-type]
        assert [each[0] for each in told(writer, shares)] == expected
        assert [each.code for each in writer.both_directions((1.0,) * 4, shares)] == expected
        table = writer.table([np.ones(1)] * 4, np.array([shares]), 4)
        assert [each.code for each in table.reasons()[0]] == expected


def test_a_contribution_within_the_noise_says_nothing() -> None:
    writer = ReasonWriter(SCHEMA, USUAL, codes=CATALOGUE, noise=0.1)
    assert [each[0] for each in told(writer, [0.11, 0.1, 0.08, 0.11])] == ["d"]
    assert writer.both_directions((1.0,) * 4, [-0.1, 0.1, 0.0, -0.2])[0].code == "d"


FIELDS = ("a", "b", "c", "d")
CODES = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["07", "09", "X-1"]))
SHARES = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, -0.1, -0.3, 1e-17, 1 / 3]), min_size=4, max_size=4)


@given(CODES, st.sampled_from([None, "codes"]), st.lists(SHARES, min_size=1, max_size=5), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_many_decisions_have_the_reasons_of_each(
    codes: dict[str, str], allowed: Any, shares: list[list[float]], most: int
) -> None:
    schema = SCHEMA.replace([*SCHEMA.fields[:3], Field("d", "number", protected=True)])
    writer = ReasonWriter(schema, USUAL, codes=as_catalogue(codes), allowed=allowed, noise=1e-10)
    rows = [(1.0, -1.0, None, 0.0)] * len(shares)
    columns = [np.array([np.nan if v is None else v for v in column]) for column in zip(*rows, strict=True)]
    table = writer.table(columns, np.array(shares), most)
    one = [writer.reasons(row, share, most) for row, share in zip(rows, shares, strict=True)]
    assert table.reasons() == one
    for reasons, share in zip(one, shares, strict=True):
        assert len({each.code for each in reasons}) == len(reasons)
        for each in reasons:
            members = [f for f in FIELDS[:3] if codes.get(f, f) == each.code]
            assert each.field in members
            assert each.contribution == pytest.approx(sum(share[FIELDS.index(f)] for f in members))


@given(st.permutations(FIELDS), CODES)
@settings(max_examples=30, deadline=None)
def test_a_code_does_not_depend_on_the_place_of_a_field(names: list[str], codes: dict[str, str]) -> None:
    schema = Schema([Field(name, "number") for name in names])
    writer = ReasonWriter(schema, USUAL, codes=as_catalogue(codes))
    for place, name in enumerate(names):
        shares = [float(i == place) for i in range(4)]
        (reason,) = writer.reasons((1.0,) * 4, shares, 4)
        assert (reason.code, reason.field) == (codes.get(name, name), name)


@pytest.mark.parametrize(
    ("codes", "named"),
    [
        ("07", "a sequence"),
        (5, "a sequence"),
        ({"a": "0 7"}, "without spaces"),
        ({"a": ""}, "without spaces"),
        ({"a": "x" * (LONGEST + 1)}, "without spaces"),
        ([{"code": "07"}], "fields"),
        ([{"code": "07", "fields": []}], "names of fields"),
        ([{"code": "07", "fields": ["a"], "text": {"xx": "?"}}], "languages|language"),
        ([ReasonCode("07", ("a",)), ReasonCode("07", ("b",))], "two reasons have the code '07'"),
        ([ReasonCode("07", ("a",)), ReasonCode("08", ("a",))], "two reasons name the field 'a'"),
        ({f"f{i}": f"c{i}" for i in range(MOST + 1)}, f"at most {MOST}"),
    ],
)
def test_what_is_no_catalogue_is_refused(codes: Any, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Policy(codes=codes)


def test_codes_must_fit_the_schema() -> None:
    for codes, allowed, named in (
        ({"z": "07"}, None, "'z' is no field"),
        ({"a": "b"}, None, "'b' is the name of a field"),
        ({"a": "07"}, ("08",), "'08' is no code"),
    ):
        with pytest.raises(SettingsError, match=named):
            ReasonWriter(SCHEMA, USUAL, codes=as_catalogue(codes), allowed=allowed)
    for allowed in ("07", 5, (7,)):
        with pytest.raises(SettingsError, match="allowed"):
            Policy(allowed=allowed)  # type: ignore[arg-type]


def test_policies_keep_their_codes_in_files(tmp_path: Path) -> None:
    policy = Policy(codes=CATALOGUE, allowed="codes")
    policy.save(tmp_path / "p.json")
    assert Policy.load(tmp_path / "p.json") == policy
    (tmp_path / "q.json").write_text('{"codes": {"a": "07", "c": "07"}, "allowed": ["07"]}')
    found = Policy.load(tmp_path / "q.json")
    assert found.codes == (ReasonCode("07", ("a", "c")),)
    assert found.allowed == ("07",)
    assert len({policy.digest, found.digest, Policy().digest}) == 3
    assert not {"codes", "allowed"} & set(Policy().to_dict())


def test_catalogues_are_read_from_json_and_csv(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(
        '[{"code": "07", "fields": ["a", "c"], "text": {"es": "Deuda alta", "en": "High debt"},'
        ' "advice": {"es": "Pague antes"}}, {"code": "09", "fields": ["b"]}]'
    )
    (tmp_path / "c.csv").write_text(
        "\ufeffcode,fields,text_es,text_en,advice_es\n07,a; c,Deuda alta,High debt,Pague antes\n09,b,,,\n"
    )
    assert read_codes(tmp_path / "c.json") == read_codes(tmp_path / "c.csv") == CATALOGUE
    for name, text, named in (
        ("x.csv", "code,fields,note\n1,a,b\n", "note"),
        ("x.csv", "code,fields\n1,a,b\n", "cells"),
        ("x.csv", 'code,fields\n"1,a\n', "x.csv"),
        ("x.json", "{", "x.json"),
        ("x.json", "7", "sequence"),
        ("x.json", " " * (LARGEST + 1), "bytes"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(SettingsError, match=named):
            read_codes(tmp_path / name)
    with pytest.raises(SettingsError, match="nowhere"):
        read_codes(tmp_path / "nowhere.json")
