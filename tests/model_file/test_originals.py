"""Models that are not compiled, saved and loaded."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import own_steps
import pandas as pd
import pytest
from own_steps import PICKLED, load, scorer_of
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from morosidad import Scorer
from morosidad.compiler.report import ParityReport
from morosidad.errors import (
    ArtifactCorrupted,
    ArtifactError,
    ArtifactUntrusted,
    NotCompiledWarning,
)
from morosidad.model_file import artifact
from morosidad.scoring import saving
from morosidad.scoring.content import original
from support import small_frame

ASK = """
import json, sys
import pandas as pd
from morosidad import Scorer
from morosidad.errors import ArtifactUntrusted
X = pd.read_json(sys.argv[1], orient="split")
for path in sys.argv[2:]:
    options = {"key": b"a key of the tests", "allow_pickle": True}
    try:
        scorer = Scorer.load(path, **options)
    except ArtifactUntrusted as error:
        scorer = Scorer.load(path, trusted=error.types, **options)
    print(json.dumps([scorer.digest, scorer.predict_proba(X)[:, 1].tolist()]))
"""


# -- read back in another process ----------------------------------------------------------------


def classifiers() -> dict[str, Any]:
    from catboost import CatBoostClassifier
    from interpret.glassbox import ExplainableBoostingClassifier
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    boosting = CatBoostClassifier(iterations=5, verbose=False, allow_writing_files=False, thread_count=1)
    return {
        "lightgbm": LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1),
        "xgboost": XGBClassifier(n_estimators=5, n_jobs=1),
        "catboost": boosting,
        "interpret": ExplainableBoostingClassifier(max_rounds=20, interactions=0, n_jobs=1, outer_bags=1),
    }


def test_estimators_of_other_libraries_answer_in_another_process_as_here(
    tried_here: None, tmp_path: Path
) -> None:
    for library in ("lightgbm", "xgboost", "catboost", "interpret"):
        pytest.importorskip(library)
    scorers = {name: scorer_of(model) for name, model in classifiers().items()}
    scorers["own"] = scorer_of(KNeighborsClassifier())
    scorers["frame"] = scorer_of(LogisticRegression(), own_steps.HoldsAFrame())
    for name, scorer in scorers.items():
        assert not scorer.plan.compiled
        scorer.save(tmp_path / name, **PICKLED)
    X, _ = small_frame(60, seed=3)
    X.to_json(tmp_path / "X", orient="split", double_precision=15)
    X = pd.read_json(tmp_path / "X", orient="split")
    command = [sys.executable, "-c", "import sys; sys.path[:0] = " + repr(sys.path) + ASK]
    done = subprocess.run(
        [*command, str(tmp_path / "X"), *(str(tmp_path / name) for name in scorers)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    for (name, scorer), (digest, answers) in zip(scorers.items(), found, strict=True):
        assert digest == scorer.digest, name
        np.testing.assert_allclose(answers, scorer.predict_proba(X)[:, 1], rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (own_steps.Crashes, "ended by SIGSEGV"),
        (own_steps.Exits, "ended with code 3"),
        (own_steps.Forgets, "it answers otherwise there"),
        (own_steps.Hangs, "it was not done after"),
    ],
    ids=["crash", "exit", "difference", "hang"],
)
def test_what_goes_wrong_in_another_process_is_refused_when_it_is_saved(
    step: Any, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if step is own_steps.Hangs:
        monkeypatch.setattr(saving, "TRIAL_SECONDS", 5.0)
    with pytest.raises(ArtifactError, match=why) as caught:
        scorer_of(LogisticRegression(), step()).save(tmp_path / "m")
    assert f"own_steps.{step.__name__}" in str(caught.value)
    assert "allow_pickle=True" in str(caught.value)
    assert caught.value.path == str(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (own_steps.CrashesWhenWritten, "the process that tried it was ended by SIGSEGV"),
        (own_steps.HangsWhenWritten, "it was not done after 1 s"),
    ],
    ids=["crash", "hang"],
)
def test_what_can_not_be_written_answers_and_is_refused_when_it_is_saved(
    step: Any, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(original, "WRITE_SECONDS", 1.0)
    scorer = scorer_of(LogisticRegression(), step())
    assert 0.0 < scorer.score_one(small_frame(1)[0].iloc[0].to_dict()).probability < 1.0
    for options in ({}, PICKLED):
        with pytest.raises(ArtifactError) as caught:
            scorer.save(tmp_path / "m", **options)
        assert f"skops can't store it ({why})" in str(caught.value)
        assert f"own_steps.{step.__name__}" in str(caught.value)
    assert f"nor can pickle ({why})" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


MAIN = """
import sys, warnings
sys.path[:0] = {path!r}
import own_steps
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from morosidad import Scorer
from morosidad.errors import ArtifactError
from own_steps import PICKLED, load, scorer_of
from support import small_frame

class Mine(own_steps.Root):
    pass

warnings.simplefilter("ignore")
X, y = small_frame(100)
X = X[["moras"]]
scorer = Scorer(make_pipeline(Mine(), LogisticRegression()).fit(X, y), reference=X)
for options in ({{}}, {{"key": b"k", "allow_pickle": True}}):
    try:
        scorer.save({file!r}, **options)
    except ArtifactError as error:
        print(error)
"""


def test_a_class_that_no_other_process_finds_is_refused_with_what_to_do(tmp_path: Path) -> None:
    code = MAIN.format(path=sys.path, file=str(tmp_path / "m"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("__main__.Mine" in line and "put its own functions and classes" in line for line in lines)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("options", [{}, PICKLED], ids=["skops", "pickle"])
def test_a_function_without_a_name_is_refused_with_what_to_do(options: Any, tmp_path: Path) -> None:
    scorer = scorer_of(KNeighborsClassifier(), FunctionTransformer(lambda values: values))
    with pytest.raises(
        ArtifactError, match=r"no other process finds .*<lambda>.*module that can be imported"
    ):
        scorer.save(tmp_path / "m", **options)
    assert len(scorer.digest) == 32


def test_an_own_class_that_can_be_imported_has_to_be_named(untried: None, tmp_path: Path) -> None:
    scorer = scorer_of(KNeighborsClassifier())
    scorer.save(tmp_path / "m")
    with pytest.raises(ArtifactUntrusted) as caught:
        Scorer.load(tmp_path / "m")
    assert caught.value.types == ("own_steps.Root",)
    assert Scorer.load(tmp_path / "m", trusted=["own_steps.Root"]).digest == scorer.digest


def test_a_function_with_arguments_has_to_be_named(untried: None, tmp_path: Path) -> None:
    scorer_of(KNeighborsClassifier(), own_steps.HoldsAPartial()).save(tmp_path / "m")
    with pytest.raises(ArtifactUntrusted) as caught:
        Scorer.load(tmp_path / "m")
    assert {"functools.partial", "numpy.clip"} <= set(caught.value.types)


# -- check rows and digests ----------------------------------------------------------------------


def test_every_file_holds_made_up_rows_with_answers_and_data_types(untried: None, tmp_path: Path) -> None:
    X, y = small_frame(200)
    for name, scorer in {
        "compiled": Scorer.train(X, y),
        "original": scorer_of(KNeighborsClassifier(), X=X, y=y),
    }.items():
        scorer.save(tmp_path / name)
        manifest = artifact.load(tmp_path / name).manifest
        rows = manifest["check"]["rows"]
        assert len(rows) == len(manifest["check"]["answers"]) > 10
        own = {tuple(row) for row in X.astype(object).where(X.notna(), None).itertuples(index=False)}
        assert not own & {tuple(row) for row in rows}
        assert [column["dtype"] for column in manifest["layout"]["columns"]] == [
            str(dtype) for dtype in X.dtypes
        ]


def test_an_original_that_answers_otherwise_is_corrupted(untried: None, tmp_path: Path) -> None:
    scorer = scorer_of(LogisticRegression(), own_steps.Root())
    scorer.save(tmp_path / "m")
    content = artifact.load(tmp_path / "m")
    answers = [answer + 1e-5 for answer in content.manifest["check"]["answers"]]
    changed = content.manifest | {"check": content.manifest["check"] | {"answers": answers, "tolerance": 1.0}}
    artifact.save(tmp_path / "m", artifact.Content(changed, (), content.members))
    with pytest.raises(ArtifactCorrupted, match="does not answer as it did"):
        load(tmp_path / "m")


def test_another_original_in_the_place_of_the_one_of_the_manifest_is_corrupted(
    untried: None, tmp_path: Path
) -> None:
    for number, name in enumerate("ab"):
        X, y = small_frame(200, seed=number)
        scorer_of(LogisticRegression(), X=X, y=y).save(tmp_path / name)
    one, two = (artifact.load(tmp_path / name) for name in "ab")
    artifact.save(tmp_path / "m", artifact.Content(one.manifest, (), two.members))
    with pytest.raises(ArtifactCorrupted, match="another one"):
        load(tmp_path / "m")


DTYPES = [
    "float64",
    "float32",
    "float16",
    "int8",
    "uint16",
    "Int64",
    "Float32",
    "boolean",
    "bool",
    "category",
    "str",
]


def table(dtype: str) -> tuple[pd.DataFrame, Any]:
    """Make applicants whose second column is of some data type."""
    rng = np.random.default_rng(7)
    whole = rng.integers(0, 2 if dtype in ("bool", "boolean") else 5, 200)
    column = pd.Series(whole.astype(bool) if dtype in ("bool", "boolean") else whole)
    if dtype in ("category", "str"):
        column = column.map(lambda number: "abcde"[number])
    X = pd.DataFrame({"x": rng.normal(size=200), "z": column.astype(dtype)})
    return X, (X["x"] + whole > 1.5).astype(int).to_numpy()


def pipeline_of(dtype: str, compiled: bool) -> Any:
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (encoder if dtype in ("category", "str") else "passthrough", ["z"]), remainder="passthrough"
    )
    return make_pipeline(columns, LogisticRegression() if compiled else KNeighborsClassifier())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "original"])
def test_a_file_keeps_the_digest_and_the_answers_for_every_data_type(
    untried: None, dtype: str, compiled: bool, tmp_path: Path
) -> None:
    X, y = table(dtype)
    pipeline = pipeline_of(dtype, compiled).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        scorer = Scorer(pipeline, reference=X)
    digest = scorer.digest
    scorer.save(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m")
    assert loaded.digest == digest
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()
    expected = [pipeline.predict_proba(X.iloc[[i]])[0, 1] for i in range(20)]
    found = [decision.probability for decision in loaded.score_many(X.head(20).to_dict("records"))]
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=1e-6 if "16" in dtype or "32" in dtype else 1e-12
    )


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "original"])
@pytest.mark.parametrize("positive", ["al día", "moroso"])
@pytest.mark.parametrize("reasons", ["exact", "sampled"])
def test_a_file_keeps_the_digest_whichever_class_means_default_and_however_reasons_are_found(
    untried: None, compiled: bool, positive: str, reasons: Any, tmp_path: Path
) -> None:
    X, y = table("category")
    labels = np.where(y == 1, "moroso", "al día")
    pipeline = pipeline_of("category", compiled).fit(X, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        scorer = Scorer(pipeline, reference=X, positive=positive, reasons=reasons)
    digest = scorer.digest
    scorer.save(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m")
    assert loaded.digest == digest
    assert loaded.plan.default == scorer.plan.default
    records = X.head(5).to_dict("records")
    assert loaded.score_many(records) == scorer.score_many(records)


def test_labels_of_its_own_come_back_and_are_checked(untried: None, tmp_path: Path) -> None:
    scorer = scorer_of(own_steps.Odd())
    digest = scorer.digest
    scorer.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    X, _ = small_frame(100, seed=5)
    assert loaded.digest == digest
    assert (loaded.predict(X) == scorer.predict(X)).all()
    content = artifact.load(tmp_path / "m")
    check = content.manifest["check"]
    check["labels"] = [not label for label in check["labels"]]
    artifact.save(tmp_path / "m", content)
    with pytest.raises(ArtifactCorrupted):
        load(tmp_path / "m")


def test_a_form_that_was_refused_without_bound_stands_in_the_file(untried: None, tmp_path: Path) -> None:
    scorer = scorer_of(KNeighborsClassifier())
    scorer._model.compiled.parity = ParityReport(10, math.inf, 1, 0, 1e-12)
    scorer.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert loaded.plan.parity == scorer._model.compiled.parity
    assert loaded.digest == scorer.digest
