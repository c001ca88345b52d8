from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from morosidad._dataframes import as_pandas
from morosidad.errors import InvalidFrame, PredictionError
from morosidad.frames.reading import read_frame
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import Decision
from morosidad.schema.schema import Field, Schema
from morosidad.scoring.frames.refusals import row_errors
from morosidad.scoring.scorer import Scorer
from support import small_frame


class Doubtful(KNeighborsClassifier):
    """A model that knows no answer for large values of its first column."""

    def predict_proba(self, X: Any) -> Any:
        answers = super().predict_proba(X)
        answers[np.asarray(X)[:, 0] > 0.9] = np.nan
        return answers


def test_a_row_that_the_model_does_not_answer_is_the_models_fault() -> None:
    frame = pd.DataFrame({"a": np.linspace(0, 1, 50), "b": 1.0})
    known = frame[frame["a"] < 0.9]
    with pytest.warns(UserWarning, match="Doubtful"):
        scorer = Scorer(Doubtful().fit(known, known["a"] > 0.5), reference=known)
    with pytest.raises(PredictionError, match="did not answer with a probability"):
        scorer.score_frame(frame)
    assert scorer.score_frame(frame, errors="coerce")["probability"].isna().sum() == 5
    (why,) = row_errors(scorer._model, frame.tail(1))
    assert "did not answer with a probability" in str(why)


@pytest.fixture(scope="module")
def scorer(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    return Scorer(trained[0], reference=trained[1])


def test_a_frame_is_decided_as_its_records_are(scorer: Scorer) -> None:
    X, _ = small_frame(80, seed=5)
    X.index = X.index + 100
    out = scorer.score_frame(X, reasons=True)
    decisions = [d for d in scorer.score_many(X.to_dict("records")) if isinstance(d, Decision)]
    assert list(out.columns) == ["probability", "label", "confidence", "outcome", "warnings", "reasons"]
    assert list(out.index) == list(X.index)
    np.testing.assert_allclose(out["probability"], [d.probability for d in decisions], rtol=0, atol=1e-15)
    np.testing.assert_allclose(out["confidence"], [d.confidence for d in decisions], rtol=0, atol=1e-15)
    assert list(out["label"]) == [d.label for d in decisions]
    assert list(out["outcome"]) == [d.outcome for d in decisions]
    assert list(out["reasons"]) == [[r.text for r in d.reasons] for d in decisions]


def test_outcomes_use_the_policy(trained: tuple[Any, pd.DataFrame]) -> None:
    scorer = Scorer(trained[0], reference=trained[1], policy=Policy(review_at=0.0, decline_at=1.0))
    assert set(scorer.score_frame(trained[1])["outcome"]) == {"revisar"}


def test_refused_rows_are_raised_with_the_first_of_them(scorer: Scorer) -> None:
    X, _ = small_frame(10)
    X["moras"] = X["moras"].astype(object)
    X.loc[3, "moras"] = "x"
    X.loc[5, "moras"] = 2.5
    with pytest.raises(InvalidFrame, match=r"2 of 10 rows .* row 3: moras") as caught:
        scorer.score_frame(X)
    assert caught.value.columns == ("moras",)
    with pytest.raises(InvalidFrame):
        scorer.predict_proba(X)


def test_refused_rows_may_be_left_empty(scorer: Scorer) -> None:
    X, _ = small_frame(10)
    expected = scorer.score_frame(X)
    X["moras"] = X["moras"].astype(object)
    X.loc[3, "moras"] = "x"
    out = scorer.score_frame(X, errors="coerce", reasons=True)
    assert out["probability"].isna().tolist() == [i == 3 for i in range(10)]
    assert out["label"].isna().tolist() == [i == 3 for i in range(10)]
    assert out["outcome"].isna().tolist() == [i == 3 for i in range(10)]
    assert out.loc[3, "reasons"] is None
    kept = out.drop(index=3)
    np.testing.assert_array_equal(kept["probability"], expected.drop(index=3)["probability"])
    assert list(kept["outcome"]) == list(expected.drop(index=3)["outcome"])


def test_errors_takes_two_words(scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="'raise' or 'coerce'"):
        scorer.score_frame(small_frame(3)[0], errors="ignore")


def test_a_long_frame_shows_its_progress(
    scorer: Scorer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = small_frame(100)
    monkeypatch.setattr("morosidad.compiler.pipeline.CHUNK_ROWS", 30)
    out = scorer.score_frame(X, progress=True)
    pd.testing.assert_frame_equal(out, scorer.score_frame(X))
    assert "100" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [7, 60])
def test_chunks_change_nothing(scorer: Scorer, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    X, _ = small_frame(100)
    whole = scorer.predict_proba(X)
    monkeypatch.setattr("morosidad.compiler.pipeline.CHUNK_ROWS", rows)
    np.testing.assert_array_equal(scorer.predict_proba(X), whole)


def test_an_empty_frame_gives_an_empty_frame(scorer: Scorer) -> None:
    out = scorer.score_frame(small_frame(5)[0].head(0))
    assert len(out) == 0
    assert list(out.columns) == ["probability", "label", "confidence", "outcome", "warnings"]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_data_frames_are_taken_too(scorer: Scorer, library: str) -> None:
    pytest.importorskip(library)
    X, _ = small_frame(20)
    if library == "polars":
        import polars as pl

        other: Any = pl.DataFrame(X.to_dict("list"), strict=False)
    else:
        import pyarrow as pa

        other = pa.Table.from_pandas(X)
    np.testing.assert_allclose(scorer.predict_proba(other), scorer.predict_proba(X), rtol=0, atol=1e-15)


def test_what_is_no_data_frame_is_refused() -> None:
    with pytest.raises(InvalidFrame, match="not list"):
        as_pandas([1, 2])


SCHEMA = Schema(
    [
        Field("meses", "integer", ge=0, le=600, aliases={"años": 12}),
        Field("monto", "number", gt=0, lt=1e6, required=True),
        Field("zona", "category", categories=("urbana", "rural")),
        Field("nivel", "category", categories=(1, 2, 3)),
        Field("activo", "boolean"),
    ]
)

GOOD = {"meses": 10, "monto": 5.0, "zona": "rural", "nivel": 2, "activo": True}


def refused(**column: Any) -> list[bool]:
    """Read a frame of good rows with one column replaced; tell which rows are refused."""
    ((name, values),) = column.items()
    frame = pd.DataFrame([GOOD] * len(values)).astype({"zona": object})
    frame = frame.drop(columns="meses") if name == "años" else frame
    frame[name] = values
    bad = read_frame(SCHEMA, frame)[1].tolist()
    one_by_one = []
    for record in frame.to_dict("records"):
        try:
            SCHEMA.read(record)
            one_by_one.append(False)
        except ValueError:
            one_by_one.append(True)
    assert bad == one_by_one
    return bad


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"meses": [0, 600, 601, -1]}, [0, 0, 1, 1]),
        ({"meses": [1.0, 1.5, np.nan, np.inf]}, [0, 1, 0, 1]),
        ({"meses": pd.array([1, None], dtype="Int64")}, [0, 0]),
        ({"años": [1.0, 2.3, 51.0]}, [0, 0, 1]),
        ({"años": [50.04, 50.05, -0.04, -0.05]}, [0, 1, 0, 1]),  # 600 and 601 months, 0 and -1
        ({"monto": [1.0, 0.0, 1e6, np.nan, -np.inf]}, [0, 1, 1, 1, 1]),
        ({"monto": [1, "2", None, True]}, [0, 1, 1, 1]),
        ({"zona": ["rural", "marte", None, 3]}, [0, 1, 0, 1]),
        ({"zona": pd.Categorical(["rural", "marte", None])}, [0, 1, 0]),
        ({"nivel": [1, 4]}, [0, 1]),
        ({"nivel": [1.0, np.nan, 2.5]}, [0, 0, 1]),
        ({"nivel": pd.Categorical([1, 2])}, [0, 0]),
        ({"activo": [True, False]}, [0, 0]),
        ({"activo": [True, None, "sí"]}, [0, 0, 1]),
        ({"activo": [1, True, False, 0.0]}, [1, 0, 0, 1]),
        ({"activo": pd.array([True, None], dtype="boolean")}, [0, 0]),
    ],
)
def test_a_column_is_refused_where_its_records_are(column: dict[str, Any], expected: list[int]) -> None:
    assert refused(**column) == [bool(x) for x in expected]


def test_a_row_without_any_value_is_refused_as_its_record_is() -> None:
    seen = pd.DataFrame({"edad": [20, 60], "zona": ["rural", "urbana"]})
    frame = pd.DataFrame({"edad": [30, None, None], "zona": [None, "rural", None]})
    assert read_frame(Schema.infer(seen), frame)[1].tolist() == [False, False, True]
    assert read_frame(Schema.infer(frame), frame)[1].tolist() == [False, False, False]


def test_units_of_aliases_are_converted() -> None:
    frame = pd.DataFrame([GOOD, GOOD]).drop(columns="meses").assign(años=[2.0, 2.3])
    columns, bad = read_frame(SCHEMA, frame)
    assert not bad.any()
    np.testing.assert_array_equal(columns[0], [24.0, 28.0])


def test_a_column_for_a_field_may_be_missing_unless_it_is_required() -> None:
    columns, bad = read_frame(SCHEMA, pd.DataFrame({"monto": [1.0]}))
    assert np.isnan(columns[0]).all()  # type: ignore[arg-type]
    assert not bad.any()
    with pytest.raises(InvalidFrame, match="monto") as caught:
        read_frame(SCHEMA, pd.DataFrame({"meses": [1]}))
    assert caught.value.columns == ("monto",)


def test_a_frame_of_something_else_is_refused(trained: tuple[Any, pd.DataFrame]) -> None:
    open_fields = Schema([Field("edad", "integer"), Field("zona", "category", aliases=["sector"])])
    with pytest.raises(InvalidFrame, match="columns are missing: edad, zona"):
        read_frame(open_fields, pd.DataFrame({"peso": [1.0], "color": ["rojo"]}))
    assert not read_frame(open_fields, pd.DataFrame({"sector": ["rural"]}))[1].any()


def test_a_reference_of_which_no_row_fits_is_refused(trained: tuple[Any, pd.DataFrame]) -> None:
    pipeline, X = trained
    with pytest.raises(InvalidFrame, match="the reference has no rows"):
        Scorer(pipeline, reference=X.head(0))
    schema = Schema([*Schema.infer(X).fields, Field("canal", "category", required=True)])
    with pytest.raises(InvalidFrame, match="no reference row fits the schema; the first: canal: obligatorio"):
        Scorer(pipeline, schema=schema, reference=X)


def test_two_columns_for_one_field_are_refused() -> None:
    with pytest.raises(InvalidFrame, match="two columns"):
        read_frame(SCHEMA, pd.DataFrame([GOOD]).assign(años=1))
    with pytest.raises(InvalidFrame, match="two columns"):
        read_frame(SCHEMA, pd.DataFrame([[1.0, 2.0]], columns=["monto", "monto"]))


def test_values_that_are_lists_are_refused_as_in_records() -> None:
    zones = pd.DataFrame({"monto": [1.0, 2.0], "zona": [["rural"], "rural"]})
    assert read_frame(SCHEMA, zones)[1].tolist() == [True, False]


def test_the_bar_for_notebooks_is_loaded_only_to_be_seen() -> None:
    code = (
        "import sys; from morosidad.progress import tqdm_for; tqdm_for(False)\n"
        "assert 'tqdm.autonotebook' not in sys.modules\n"
        "tqdm_for(True); assert 'tqdm.autonotebook' in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
