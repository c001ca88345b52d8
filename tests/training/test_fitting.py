"""Training as a whole: the evidence, the warnings, and that they come back from a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morosidad import Scorer
from morosidad.errors import InvalidFrame, SettingsError
from morosidad.languages import LANGUAGES
from morosidad.training.cautions import plain_name
from morosidad.training.fitting import Search, train
from support import small_frame

QUICK = Search(model="splines", progress=False)


def clean(n: int = 600) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"ingreso": rng.normal(size=n), "deuda": rng.normal(size=n)})
    return X, (rng.random(n) < 1 / (1 + np.exp(1 - X["ingreso"] - 0.5 * X["deuda"]))).astype(int).to_numpy()


def test_evidence_is_kept_in_the_file_and_shown(tmp_path: Path) -> None:
    X, y = small_frame(250)
    scorer = Scorer.train(X, y, model="splines", progress=False)
    scorer.save(tmp_path / "m")
    found = Scorer.load(tmp_path / "m").training
    assert found == scorer.training
    assert found["model"] == "splines"
    assert found.out_of_fold is not None
    assert scorer.training.out_of_fold is not None
    np.testing.assert_array_equal(found.out_of_fold.table, scorer.training.out_of_fold.table)
    assert set(found.out_of_fold.fold) == {0, 1, 2, 3, 4}
    assert "AUC" in str(found)
    page = found._repr_html_()
    assert page.count("<table>") == 2
    assert "cross_validation" not in page  # its figures stand in the table
    assert re.search(r"<tr><th [^>]*>splines</th><th", page)  # the chosen one stands out
    for language in LANGUAGES:
        assert found.in_language(language).told()
    again = train(X, y, search=QUICK).training
    assert again["fingerprint"] == found["fingerprint"]
    assert train(X, 1 - y, search=QUICK).training["fingerprint"] != found["fingerprint"]


def test_the_latest_are_an_out_of_time_test() -> None:
    X, y = clean()
    made = train(X.assign(mes=np.repeat(np.arange(20), 30)), y, split="mes", search=QUICK)
    assert "mes" not in made.schema.names
    assert len(made.frame) == 480
    assert 0.5 < made.training["out_of_time"]["auc"] < 1
    assert made.training["out_of_time"]["rows"] == 120


def test_each_plant_is_warned_of_and_nothing_on_clean_data() -> None:
    X, y = clean()
    assert train(X, y, search=QUICK).training.warnings == []
    rng, n = np.random.default_rng(1), len(X)
    planted = X.assign(
        estado_civil=rng.choice(["s", "c"], n),
        id_cliente=np.arange(n),
        fecha=rng.integers(2020, 2023, n) * 10000 + rng.integers(1, 13, n) * 100 + 1,
        cobranza=y * 10 + rng.normal(size=n),
        moras=rng.choice([0, 1, 2, 999], n, p=[0.5, 0.3, 0.17, 0.03]),
    )
    search = Search(model="splines", protected=("deuda",), progress=False)
    found = {(one.code, one.field) for one in train(planted, y, search=search).training.warnings}
    assert found >= {
        ("protected", "estado_civil"),
        ("protected", "deuda"),
        ("identifier", "id_cliente"),
        ("date", "fecha"),
        ("leakage", "cobranza"),
        ("missing_code", "moras"),
    }


def test_an_effect_against_its_trend_is_warned_of() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=3000)
    X = pd.DataFrame({"a": a, "b": a + 0.3 * rng.normal(size=3000)})
    y = (rng.random(3000) < 1 / (1 + np.exp(-(3 * X["b"] - 2 * X["a"])))).astype(int)
    found = train(X, y, search=QUICK).training.warnings
    assert ("contrary_effect", "a") in {(one.code, one.field) for one in found}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"search": Search(prefer="nice")}, "prefer"),  # type: ignore[arg-type]
        ({"sample_weight": [-1.0] * 600}, "sample_weight"),
        ({"groups": "cliente"}, "no column 'cliente'"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    X, y = clean()
    with pytest.raises((InvalidFrame, SettingsError), match=message):
        train(X, y, **given)


@pytest.mark.parametrize("name", ["EstadoCivil", "Estado Civil", "estado-civil", "ESTADO_CIVIL"])
def test_names_are_read_however_they_are_written(name: str) -> None:
    assert plain_name(name) == "estado_civil"


def test_who_looks_on_is_told_of_the_warnings_in_their_language(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = clean(300)
    X = X.rename(columns={"deuda": "edad"})
    scorer = Scorer.train(X, y, model="logistic", progress=True, language="en", background=20)
    assert scorer.reference is not None
    assert len(scorer.reference) == 20
    told = capsys.readouterr().err
    assert "edad: it looks like a protected attribute" in told
    Scorer.train(X, y, model="logistic", progress=False)
    assert capsys.readouterr().err == ""
