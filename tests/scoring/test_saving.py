"""A scorer in a model file: digests, signatures, altered content."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer

from morosidad.errors import (
    ArtifactCorrupted,
    ArtifactError,
    ArtifactUntrusted,
    NotCompiledWarning,
)
from morosidad.model_file import artifact
from morosidad.policy.cutoffs import Policy
from morosidad.scoring.saving import storable
from morosidad.scoring.scorer import Scorer
from morosidad.scoring.stored_model import StoredModel
from scoring_parts import neighbours
from support import small_frame


@pytest.mark.parametrize("model", ["logistic", "boosting"])
def test_saving_and_loading_keeps_the_digest_whatever_kinds_of_numbers_there_are(
    model: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "entero": rng.integers(0, 1000, 400),
            "pocos": rng.integers(0, 4, 400),
            "numero": rng.normal(size=400),
            "redondo": rng.integers(0, 500, 400).astype(float),
            "si": rng.random(400) < 0.5,
            "zona": rng.choice(["a", "b", "c"], 400),
        }
    )
    scorer = Scorer.train(X, X["entero"] + rng.integers(0, 900, 400) > 900, model=model, policy=Policy(0, 1))
    scorer.save(tmp_path / "m")
    assert Scorer.load(tmp_path / "m").digest == scorer.digest


def test_a_loaded_model_decides_as_the_saved_one(scorer: Scorer, tmp_path: Path) -> None:
    X, _ = small_frame(50, seed=3)
    scorer.save(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m")
    assert loaded.score_many(X.to_dict("records")) == scorer.score_many(X.to_dict("records"))
    assert loaded.digest == scorer.digest
    assert loaded.schema == scorer.schema
    assert loaded.plan.parity == scorer.plan.parity
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


@pytest.mark.parametrize("steps", [30, 70, 110])
@pytest.mark.parametrize(
    "step", [MinMaxScaler(clip=True), QuantileTransformer(n_quantiles=20)], ids=["clip", "curve"]
)
def test_however_deeply_steps_are_nested_what_is_saved_answers_as_the_pipeline(
    step: Any, steps: int, tried_here: None, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=120), "b": rng.normal(size=120)})
    fitted = make_pipeline(*(clone(step) for _ in range(steps)), LogisticRegression()).fit(X, X["a"] > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        Scorer(fitted, reference=X).save(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m")
    np.testing.assert_allclose(loaded.predict_proba(X), fitted.predict_proba(X), rtol=0, atol=1e-12)


def test_a_policy_given_at_loading_stands_in_for_the_one_in_the_file(scorer: Scorer, tmp_path: Path) -> None:
    scorer.save(tmp_path / "m")
    strict = Scorer.load(tmp_path / "m", policy=Policy(review_at=0.0, decline_at=0.0))
    assert strict.score_one({"moras": 0}).outcome == "rechazar"
    assert Scorer.load(tmp_path / "m").policy == Policy()


def test_a_signed_model_opens_with_its_key(scorer: Scorer, tmp_path: Path) -> None:
    scorer.save(tmp_path / "m", key=b"k")
    assert Scorer.load(tmp_path / "m", key=b"k").digest == scorer.digest


def test_a_model_of_python_objects_keeps_its_digest(slow: Scorer, tmp_path: Path) -> None:
    slow.save(tmp_path / "a")
    loaded = [Scorer.load(tmp_path / "a") for _ in range(2)]
    assert {scorer.digest for scorer in loaded} == {slow.digest}
    loaded[0].save(tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


def test_a_model_that_could_not_be_read_back_is_not_saved(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    X, y = small_frame()
    pipeline = neighbours(X, y)
    pipeline.steps.insert(1, ("twice", FunctionTransformer(lambda values: 2 * values)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        scorer = Scorer(pipeline, reference=X)
    with pytest.raises(ArtifactError, match=r"could not be read back.*<lambda>") as caught:
        scorer.save(tmp_path / "m")
    assert caught.value.path == str(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_python_objects_opens_only_for_types_named_by_the_caller(
    tried_here: None, tmp_path: Path
) -> None:
    from sklearn.preprocessing import FunctionTransformer

    X, y = small_frame()
    pipeline = neighbours(X, y)
    pipeline.steps.insert(1, ("twice", FunctionTransformer(np.nan_to_num).fit(pipeline[0].transform(X))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        Scorer(pipeline, reference=X).save(tmp_path / "m")
    with pytest.raises(ArtifactUntrusted, match="allow those that you trust by name") as caught:
        Scorer.load(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m", trusted=caught.value.types)
    np.testing.assert_allclose(loaded.predict_proba(X), pipeline.predict_proba(X), rtol=0, atol=1e-15)


def test_a_model_that_answers_otherwise_than_when_saved_is_corrupted(scorer: Scorer, tmp_path: Path) -> None:
    content = scorer._model.content
    arrays = [array.copy() for array in content.arrays]
    arrays[0] += 0.001
    artifact.save(tmp_path / "m", artifact.Content(content.manifest, arrays, content.members))
    with pytest.raises(ArtifactCorrupted, match="does not answer as it did"):
        Scorer.load(tmp_path / "m")


@pytest.mark.parametrize("gone", ["schema", "policy", "form", "classes", "typical", "threshold", "name"])
def test_a_file_that_lacks_a_part_is_corrupted(scorer: Scorer, tmp_path: Path, gone: str) -> None:
    content = scorer._model.content
    manifest = {name: value for name, value in content.manifest.items() if name != gone}
    artifact.save(tmp_path / "m", artifact.Content(manifest, content.arrays, content.members))
    with pytest.raises(ArtifactCorrupted, match="describes no model"):
        Scorer.load(tmp_path / "m")


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, {"type": "Additive"}])
@pytest.mark.parametrize("part", ["schema", "policy", "form", "typical", "check", "training", "reference"])
def test_a_part_of_the_wrong_shape_is_corrupted_or_harmless(
    scorer: Scorer, tmp_path: Path, part: str, value: Any
) -> None:
    content = scorer._model.content
    artifact.save(
        tmp_path / "m", artifact.Content(content.manifest | {part: value}, content.arrays, content.members)
    )
    try:
        loaded = Scorer.load(tmp_path / "m")
    except ArtifactCorrupted:
        return
    assert loaded.score_one({"moras": 1}).probability == scorer.score_one({"moras": 1}).probability


def test_a_compiled_model_that_could_not_be_read_back_is_not_saved(scorer: Scorer) -> None:
    content = scorer._model.content
    model = StoredModel.from_content(content)
    model.__dict__["content"] = artifact.Content(
        content.manifest, [array.astype(np.float32) for array in content.arrays]
    )
    with pytest.raises(ArtifactError, match=r"^m: .*not be read back \(the content describes no"):
        storable(model, "m", allow_pickle=False)
