"""Data types, column orders, labels and one-row effects: each way of asking, here and in another process."""

from __future__ import annotations

import pickle
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from conformance.case import Built, Case
from conformance.judging import ask_every_way, judge, with_records
from conformance.running import Worker, load_and_ask
from hypothesis import given, note, settings
from hypothesis import strategies as st
from scoring.judging.drawn_frames import LABELS, centred, coded, fitted, frames, ranked, target

from morosidad.errors import UnsupportedModel
from morosidad.scoring import saving
from morosidad.scoring.scorer import Scorer

pytestmark = pytest.mark.usefixtures("judged_wholly")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Worker]:
    worker = Worker(load_and_ask)
    yield worker
    worker.stop(at_once=False)


@settings(max_examples=4, deadline=None)
@given(
    drawn=frames(),
    kind=st.sampled_from(["logistic", "tree", "boosting", "neighbours"]),
    labels=st.sampled_from(LABELS),
    first=st.booleans(),
    effect=st.sampled_from([None, None, None, ranked, centred, coded]),
    shuffle=st.randoms(use_true_random=False),
)
def test_every_way_of_asking_gives_the_pipelines_own_answer(
    drawn: tuple[pd.DataFrame, list[str], list[str]],
    kind: str,
    labels: tuple[Any, Any],
    first: bool,
    effect: Any,
    shuffle: Any,
    elsewhere: Worker,
) -> None:
    frame, numbers, texts = drawn
    note(f"{frame.dtypes.to_dict()} {kind} {labels} {effect}")
    try:
        pipeline = fitted(frame, numbers, texts, kind, target(frame, labels), effect=effect)
    except (TypeError, ValueError):  # scikit-learn itself refuses the data type
        return
    positive = labels[0] if first else labels[1]
    built = Built(pipeline, frame)
    case = Case("drawn", "drawn", "drawn", lambda: built, tolerance=1e-6, positive=positive)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = judge(case, built, len(frame), lambda: None)
        place = list(pipeline.classes_).index(positive)
        gaps = pipeline.predict_proba(frame)[:, place] - [p for p, _ in filter(None, alone.answers)]
        if np.abs(gaps).max() > 1e-6:
            with pytest.raises(UnsupportedModel, match=r"among the others|no row of it alone"):
                Scorer(pipeline, reference=frame, positive=positive)
            return
        scorer = Scorer(pipeline, reference=frame, positive=positive)
        judged = with_records(alone, scorer.schema.names)
        order = shuffle.sample(list(frame.columns), len(frame.columns))
        judged = judged._replace(
            frame=judged.frame[order], by_record="tells None from NaN" not in str(scorer.plan)
        )
        assert ask_every_way(scorer, judged) == []
        with tempfile.TemporaryDirectory() as folder, patch.object(saving, "try_in_child", lambda *_: ""):
            scorer.save(Path(folder) / "model.morosidad")
            (Path(folder) / "judged").write_bytes(pickle.dumps(judged))
            assert elsewhere.ask(folder)[0] == []
