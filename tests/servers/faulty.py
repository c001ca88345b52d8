"""Servers with a fault that a file switches on: ``python -m faulty``.

``MOROSIDAD_TEST_MODEL`` says which: ``fast`` is the shipped model, ``busy`` the same with more work to do,
``slow`` one that is not compiled. A file ``falla`` in the working folder holds ``raise`` or ``hang``
while the model is at fault, and ``reloj`` holds the seconds by which the wall clock is off.
"""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from typing import Any

from sklearn.linear_model import LogisticRegression
from starlette.applications import Starlette

from morosidad import Scorer, Settings, asgi
from morosidad.recovery import RecoveryPolicy
from morosidad.scoring.stored_model import StoredModel

SWITCH = Path("falla")
CLOCK = Path("reloj")
WORK = 0.0007


class FaultyRegression(LogisticRegression):
    """A model of a kind that can't be compiled, and that fails on demand."""

    def predict_proba(self, X: Any) -> Any:
        fail()
        return super().predict_proba(X)


def fail() -> None:
    """Fail, if the switch is on."""
    if _switch() == "raise":
        raise OSError("at fault")
    while _switch() == "hang":
        time.sleep(0.02)


def _switch() -> str:
    try:
        return SWITCH.read_text()
    except FileNotFoundError:
        return ""


def slow_scorer() -> Scorer:
    """Make a scorer that is not compiled."""
    from sklearn.pipeline import make_pipeline

    from morosidad import Preprocessor, make_applicants
    from morosidad.schema.ahorro_valle import AHORRO_VALLE

    frame = make_applicants(600, seed=3)
    X, y = frame[list(AHORRO_VALLE.names)], frame[AHORRO_VALLE.target]
    pipeline = make_pipeline(Preprocessor(AHORRO_VALLE), FaultyRegression(max_iter=2000)).fit(X, y)
    with warnings.catch_warnings(action="ignore"):  # that it is not compiled is meant
        return Scorer(pipeline, schema=AHORRO_VALLE, reference=X, name="lento")


def fast_scorer(work: float) -> Scorer:
    """Make the shipped scorer, whose models fail on demand, those that are loaded later too.

    Each decision takes `work` more seconds of the processor's time.
    """
    ask = StoredModel.estimate

    def estimate(self: StoredModel, values: Any) -> Any:
        try:
            fail()
        except OSError as error:
            raise self._failed(error) from None
        until = time.thread_time() + work
        while time.thread_time() < until:
            pass
        return ask(self, values)

    StoredModel.estimate = estimate  # type: ignore[method-assign]
    path = os.environ.get("MOROSIDAD_SERVER_MODEL")
    return Scorer.load(path) if path else Scorer.default()


def app() -> Starlette:
    """Make the application."""
    now = time.time
    time.time = lambda: now() + _shift()
    kind = os.environ.pop("MOROSIDAD_TEST_MODEL")
    scorer = slow_scorer() if kind == "slow" else fast_scorer(WORK if kind == "busy" else 0.0)
    recovery = RecoveryPolicy(deadline=2.0, reset_after=1.0, decay=1.0)
    asgi.load_scorer = lambda settings: scorer.with_parts(recovery=recovery)
    return asgi.app()


def _shift() -> float:
    """Read how far the wall clock is off; nothing while that is being written."""
    try:
        return float(CLOCK.read_text())
    except (OSError, ValueError):
        return 0.0


if __name__ == "__main__":
    import uvicorn

    from morosidad.asgi.runtime.server import options

    environment = {name: value for name, value in os.environ.items() if name != "MOROSIDAD_TEST_MODEL"}
    uvicorn.run("faulty:app", factory=True, **options(Settings.load(env=environment)))
