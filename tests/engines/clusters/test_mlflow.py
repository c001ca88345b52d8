"""Models of MLflow: kept, loaded, asked, and served by MLflow's own server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from morosidad import Policy, Scorer
from morosidad.errors import ArtifactError, MissingExtra
from serving import wait_until
from support import PYTHONPATH, needed

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("ignore")]  # MLflow warns of its own parts


@pytest.fixture
def kept(scorer: Scorer, tmp_path: Path) -> Path:
    needed(find_spec("mlflow") is not None, "mlflow")
    from morosidad.engines.mlflow import save_model

    save_model(scorer.with_policy(Policy(review_at=0.1)), tmp_path / "model")
    return tmp_path / "model"


def test_a_kept_scorer_is_the_same(kept: Path, scorer: Scorer, frame: pd.DataFrame) -> None:
    from morosidad.engines.mlflow import load_model

    loaded = load_model(kept)
    assert loaded == scorer.with_policy(Policy(review_at=0.1))
    expected = scorer.with_policy(Policy(review_at=0.1)).score_frame(frame, errors="coerce")
    pd.testing.assert_frame_equal(loaded.score_frame(frame, errors="coerce"), expected)


def test_mlflow_asks_it_by_its_signature(kept: Path, scorer: Scorer, frame: pd.DataFrame) -> None:
    from mlflow import pyfunc

    model = pyfunc.load_model(str(kept))
    names = [field.name for field in scorer.schema.fields]
    assert model.metadata.get_input_schema().input_names() == names
    found = model.predict(frame[names])
    assert found["probability"].tolist() == pytest.approx(
        scorer.score_frame(frame, errors="coerce")["probability"].tolist(), rel=0, abs=0, nan_ok=True
    )
    with pytest.raises(Exception, match="edad"):
        model.predict(frame[names].drop(columns="edad"))


def test_a_logged_scorer_is_found_by_its_run(scorer: Scorer, tmp_path: Path) -> None:
    needed(find_spec("mlflow") is not None, "mlflow")
    import mlflow

    from morosidad.engines.mlflow import load_model, log_model

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    experiment = mlflow.create_experiment("scorers", artifact_location=f"file://{tmp_path}/kept")
    with mlflow.start_run(experiment_id=experiment):
        logged = log_model(scorer)
    assert load_model(logged.model_uri) == scorer


def test_mlflow_serves_it(kept: Path, scorer: Scorer, frame: pd.DataFrame) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(kept), "-p", str(port)]
    command += ["-h", "127.0.0.1", "--env-manager", "local"]
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    here = {**os.environ, "PYTHONPATH": PYTHONPATH, "PATH": path}
    server = subprocess.Popen(command, env=here, start_new_session=True)  # it starts others
    try:
        known = scorer.score_frame(frame, errors="coerce")["probability"].notna()
        rows = frame[known].head(5)[[field.name for field in scorer.schema.fields]]
        body = json.dumps({"dataframe_split": json.loads(rows.to_json(orient="split"))}).encode()
        answer = asked(f"http://127.0.0.1:{port}/invocations", body, server)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
    expected = scorer.with_policy(Policy(review_at=0.1)).score_frame(rows, errors="coerce")
    assert [row["probability"] for row in answer["predictions"]] == expected["probability"].tolist()
    assert [row["outcome"] for row in answer["predictions"]] == expected["outcome"].tolist()


def asked(url: str, body: bytes, server: subprocess.Popen[bytes]) -> Any:
    """Ask as soon as the server listens."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    found: list[Any] = []

    def answers() -> bool:
        assert server.poll() is None
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found.append(json.load(answer))
        except urllib.error.HTTPError:
            raise
        except OSError:  # it does not listen yet
            return False
        return True

    wait_until(answers, 300)
    return found[0]


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    needed(find_spec("mlflow") is not None, "mlflow")
    from mlflow import pyfunc

    from morosidad.engines.mlflow import load_model

    (tmp_path / "data").write_text("x", encoding="utf-8")
    pyfunc.save_model(str(tmp_path / "m"), loader_module="json", data_path=str(tmp_path / "data"))
    with pytest.raises(ArtifactError, match="holds no scorer"):
        load_model(tmp_path / "m")


def test_the_extra_is_named(scorer: Scorer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from morosidad.engines.mlflow import load_model, log_model, save_model

    for name in ("mlflow", "mlflow.pyfunc"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: save_model(scorer, tmp_path), lambda: log_model(scorer), lambda: load_model("x")):
        with pytest.raises(MissingExtra, match=r"morosidad\[mlflow\]"):
            call()
