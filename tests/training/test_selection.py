from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from morosidad.errors import InvalidFrame, MissingExtra, SettingsError
from morosidad.schema.schema import Schema
from morosidad.scoring.scorer import Scorer
from morosidad.training.candidates.table import AUTO, MODELS, candidates
from morosidad.training.selection import fit
from support import needed, small_frame


@pytest.mark.parametrize("model", [name for name in MODELS if name != AUTO])
def test_every_kind_of_model_is_fitted_and_compiled(model: str) -> None:
    needed(find_spec("optbinning") is not None or model != "scorecard", "optbinning")
    needed(find_spec("interpret") is not None or model != "glassbox", "interpret-core")
    X, y = small_frame(200)
    schema = Schema.infer(X)
    scorer = Scorer(fit(X, y, schema, model=model), schema=schema, reference=X)
    assert scorer.plan.compiled, scorer.plan


def test_missing_columns_are_named() -> None:
    X, y = small_frame()
    with pytest.raises(InvalidFrame, match="moras") as caught:
        fit(X.drop(columns="moras"), y, Schema.infer(X))
    assert caught.value.columns == ("moras",)


def test_an_unknown_kind_of_model_is_refused() -> None:
    X, y = small_frame()
    with pytest.raises(
        SettingsError, match="model: one of logistic, scorecard, splines, glassbox, boosting, auto"
    ):
        fit(X, y, Schema.infer(X), model="magic")


def test_what_is_not_installed_is_not_tried_and_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "interpret.glassbox", None)
    monkeypatch.setattr("morosidad.training.candidates.table.find_spec", lambda name: None)
    assert {one.kind for one in candidates()} == {"splines", "boosting"}
    X, y = small_frame()
    with pytest.raises(MissingExtra, match="glassbox"):
        fit(X, y, Schema.infer(X), model="glassbox")
