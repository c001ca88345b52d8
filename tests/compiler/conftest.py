"""What the compiler's tests share: a fitted estimator compared with its compiled form, all ways."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from morosidad.compiler import CompiledPipeline, compile_pipeline
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.proof.probe_rows import as_rows, probe_rows
from morosidad.errors import NotCompiledWarning
from morosidad.frames.layout import FrameLayout
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Fit on one thread: threads that wait for each other on a busy machine take many times as long."""
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True)
def _judged_wholly(judged_wholly: None) -> None:
    """Ask originals as for users: here it matters what is found."""


def rows_of(schema: Schema, frame: pd.DataFrame) -> list[Any]:
    return as_rows(schema, frame.to_dict("records"))


def agrees(compiled: CompiledPipeline, rows: Sequence[Any], *, tolerance: float = 1e-12) -> None:
    """One record, many, and explained: all as the original, and the contributions add up."""
    assert compiled.form is not None, compiled.notes
    assert compiled.explain_one is not None
    assert compiled.original is not None
    batch = ColumnBatch.of_records(rows, len(compiled.schema))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = compiled.original.predict(rows)
    one = np.array([compiled.predict_one(row) for row in rows])
    np.testing.assert_allclose(one, expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose(compiled.predict(batch.columns), expected, rtol=0, atol=tolerance)
    explained = [compiled.explain_one(row) for row in rows]
    np.testing.assert_allclose([p for p, _ in explained], one, rtol=0, atol=1e-15)
    assert all(len(shares) == len(compiled.schema) for _, shares in explained)
    if compiled.explains_alike:
        found, shares = compiled.explain_alike(batch.columns)
        assert found.tolist() == compiled.predict(batch.columns).tolist() == one.tolist()
        assert shares.tolist() == [list(shares) for _, shares in explained]


@pytest.fixture(scope="session")
def log_odds() -> Callable[[float], float]:
    return lambda p: math.log(p / (1.0 - p))


@pytest.fixture(scope="session")
def left_to_original() -> Callable[..., CompiledPipeline]:
    """Compile what can't be compiled: it warns, and the original answers."""

    def run(estimator: Any, schema: Schema) -> CompiledPipeline:
        with pytest.warns(NotCompiledWarning):
            compiled = compile_pipeline(estimator, schema)
        assert not compiled.compiled
        assert compiled.explain_one is None
        return compiled

    return run


@pytest.fixture(scope="session")
def compile_form() -> Callable[..., CompiledPipeline]:
    """Make a form's functions without an original, over fields of numbers."""

    def run(form: Any, n_fields: int = 1, reference: Any = ()) -> CompiledPipeline:
        schema = Schema([Field(f"x{i}", "number") for i in range(n_fields)])
        base = None if reference is None else form and form.reference(_batch(reference, n_fields))
        return CompiledPipeline(schema, form, reference=base)

    return run


def _batch(rows: Sequence[Any], n_fields: int) -> ColumnBatch:
    return ColumnBatch.of_records(rows or [(0.0,) * n_fields], n_fields)


@pytest.fixture(scope="session")
def compiled_as_fitted() -> Callable[..., CompiledPipeline]:
    """Fit, compile and compare; give the compiled pipeline."""

    def run(
        estimator: Any,
        frame: pd.DataFrame,
        target: Any,
        *,
        schema: Schema | None = None,
        tolerance: float = 1e-12,
    ) -> CompiledPipeline:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator.fit(frame, target)
        schema = schema or Schema.infer(frame)
        reference = rows_of(schema, frame)
        layout = FrameLayout.of(frame, {name: name for name in schema.names})
        compiled = compile_pipeline(estimator, schema, reference, layout=layout)
        assert compiled.compiled, compiled.notes
        accepted = rows_of(compiled.schema, frame)
        agrees(compiled, probe_rows(compiled.schema, accepted, seed=1), tolerance=tolerance)
        return compiled

    return run


@pytest.fixture(scope="session")
def applicants() -> tuple[pd.DataFrame, np.ndarray]:
    """A hundred and twenty applicants: every kind of field, missing values, rare categories."""
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "edad": rng.integers(18, 80, n),
            "ingresos": rng.lognormal(7, 0.6, n),
            "deuda": np.where(rng.random(n) < 0.15, np.nan, rng.gamma(2.0, 500.0, n)),
            "atrasos": rng.poisson(1.0, n),
            "empleo": rng.choice(
                ["dependiente", "independiente", "agrícola", "otro"], n, p=[0.5, 0.3, 0.17, 0.03]
            ),
            "vivienda": rng.choice(["propia", "alquilada", None], n, p=[0.5, 0.4, 0.1]),
            "garante": rng.random(n) < 0.3,
        }
    )
    z = 0.4 * frame["atrasos"] - 0.0003 * frame["ingresos"] + 0.5 * (frame["vivienda"] == "alquilada")
    return frame, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int).to_numpy()


@pytest.fixture(params=["numba", "Python"])
def walker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both walkers of trees in turn."""
    if request.param == "Python":
        monkeypatch.setitem(sys.modules, "numba", None)
    else:
        pytest.importorskip("numba")
    return str(request.param)


@pytest.fixture(scope="session")
def numbers(applicants: tuple[pd.DataFrame, np.ndarray]) -> tuple[pd.DataFrame, np.ndarray]:
    """The same applicants, of numbers alone."""
    frame, target = applicants
    return frame[["edad", "ingresos", "atrasos"]], target
