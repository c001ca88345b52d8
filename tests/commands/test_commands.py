from __future__ import annotations

import csv
import json
import os
import stat
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from morosidad import Settings
from morosidad.__main__ import COMMANDS, main
from morosidad.errors import ArtifactUntrusted, NotCompiledWarning, SettingsError
from morosidad.scoring.scorer import Scorer
from support import small_frame, small_pipeline


def test_training_prints_honest_figures_and_writes_the_model(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m"
    options = ["--name", "prueba", "--model-version", "3", "--review-at", "0.1", "--decline-at", "0.4"]
    assert main(["train", str(data), "--target", "moroso", "-o", str(path), *options]) == 0
    out = capsys.readouterr().out
    for word in ("300 rows, 3 fields", "AUC [95 %]", "Brier", "KS", "parity", "compiled"):
        assert word in out
    scorer = Scorer.load(path)
    assert scorer.model == "prueba@3"
    assert (scorer.policy.review_at, scorer.policy.decline_at) == (0.1, 0.4)
    assert 0.6 < scorer.training["cross_validation"]["auc"] < 0.9


def test_training_tells_of_columns_that_can_teach_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = small_frame()
    data, path = tmp_path / "x.csv", tmp_path / "m"
    X.assign(cedula=[f"C{n}" for n in range(len(X))], moroso=y).to_csv(data, index=False)
    assert main(["train", str(data), "--target", "moroso", "-o", str(path)]) == 0
    assert capsys.readouterr().err.startswith("cedula: most rows have a category of their own")


def test_a_model_with_nowhere_to_go_is_not_trained(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("morosidad.training.fitting.train", lambda *_, **__: pytest.fail("it was trained"))
    for place, why in ((tmp_path / "no" / "m", "there is no such folder"), (tmp_path, "this is a folder")):
        assert main(["train", str(data), "--target", "moroso", "-o", str(place)]) == 2
        assert why in capsys.readouterr().err


def test_no_command_writes_over_what_it_reads(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = data.read_bytes(), model.read_bytes()
    out, same = str(tmp_path / "out.csv"), str(data.parent / "." / data.name)
    (tmp_path / "link.csv").symlink_to(data)
    for command in (
        ["score", str(model), str(data), "-o", same],
        ["score", str(model), str(data), "-o", str(tmp_path / "link.csv")],
        ["score", str(model), str(data), "-o", str(model)],
        ["score", str(model), str(data), "-o", out, "--bad", same],
        ["score", str(model), str(data), "-o", out, "--bad", out],
        ["train", str(data), "--target", "moroso", "-o", same],
        ["compile", str(model), "--trust", "-o", str(model)],
    ):
        assert main(command) == 2
        assert "can't be written: the command reads or writes" in capsys.readouterr().err
    assert (data.read_bytes(), model.read_bytes()) == before
    assert main(["score", str(model), str(data), "-o", "."]) == 2
    assert "this is a folder" in capsys.readouterr().err
    assert main(["score", str(model), str(data), "-o", os.devnull, "--bad", os.devnull]) == 0


def test_a_model_of_python_objects_opens_for_the_types_that_are_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.compose import make_column_transformer
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from morosidad.asgi import load_scorer

    X, y = small_frame()
    numbers = make_column_transformer((FunctionTransformer(np.nan_to_num), ["moras"]))
    path = tmp_path / "knn"
    with pytest.warns(NotCompiledWarning):
        Scorer(make_pipeline(numbers, KNeighborsClassifier()).fit(X, y), reference=X).save(path)
    with pytest.raises(ArtifactUntrusted) as caught:
        Scorer.load(path)
    assert main(["inspect", str(path)]) == 2
    assert "numpy.nan_to_num" in capsys.readouterr().err
    trust = ["--trust", ",".join(caught.value.types)]
    assert main(["inspect", str(path), *trust]) == 0
    assert main(["score", str(path), str(data), "-o", str(tmp_path / "out"), *trust]) == 0
    served = load_scorer(Settings(server_model=str(path), server_model_trusted=caught.value.types))
    assert served.digest == Scorer.load(path, trusted=caught.value.types).digest
    with pytest.raises(SettingsError, match="server_model_trusted"):
        Settings(server_model_trusted=("no name",))


def test_scoring_a_file_gives_the_models_own_probabilities(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    assert main(["score", str(model), str(data), "-o", str(out), "--keep", "moras", "--reasons"]) == 0
    found, frame = pd.read_csv(out), pd.read_csv(data)
    scorer = Scorer.load(model, language="en")
    expected = scorer.score_frame(frame, reasons=True)
    results = ["probability", "label", "confidence", "outcome", "warnings", "reasons"]
    assert list(found.columns) == ["row", "moras", *results]
    np.testing.assert_allclose(found["probability"], expected["probability"], rtol=0, atol=1e-15)
    assert found["reasons"].fillna("").tolist() == ["; ".join(r) for r in expected["reasons"]]
    assert found["row"].tolist() == list(range(1, 301))
    assert "300 rows decided" in capsys.readouterr().out
    assert not (tmp_path / "out.bad.csv").exists()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_bad_rows_go_to_a_file_of_their_own_with_the_reason(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("morosidad.frames.files.csv_files.CHUNK_ROWS", 2)
    (tmp_path / "in.csv").write_text(
        "moras,empleo,ingresos\n1,fijo,900\nmuchas,fijo,800\n2.5,libre,\n0,,700\n3,otro,inf\n",
        encoding="utf-8",
    )
    out = tmp_path / "out.csv"
    assert main(["score", str(model), str(tmp_path / "in.csv"), "-o", str(out)]) == 1
    assert pd.read_csv(out)["row"].tolist() == [1, 4]
    with (tmp_path / "out.bad.csv").open(encoding="utf-8") as file:
        bad = list(csv.DictReader(file))
    assert [(r["row"], r["moras"]) for r in bad] == [("2", "muchas"), ("3", "2.5"), ("5", "3")]
    assert "moras: a whole number was expected" in bad[0]["reason"]
    assert "ingresos" in bad[2]["reason"]
    assert "3 bad rows" in capsys.readouterr().err


def test_the_bad_rows_of_an_earlier_run_do_not_stay_beside_the_good_ones_of_this_one(
    model: Path, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "mixed.csv").write_text("moras,empleo,ingresos\n1,fijo,900\nx,fijo,800\n", encoding="utf-8")
    out = str(tmp_path / "out.csv")
    assert main(["score", str(model), str(tmp_path / "mixed.csv"), "-o", out]) == 1
    assert (tmp_path / "out.bad.csv").exists()
    assert main(["score", str(model), str(data), "-o", out]) == 0
    assert not (tmp_path / "out.bad.csv").exists()


def test_chunks_give_the_same_file(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["score", str(model), str(data), "-o", str(tmp_path / "whole.csv")])
    monkeypatch.setattr("morosidad.frames.files.csv_files.CHUNK_ROWS", 17)
    main(["score", str(model), str(data), "-o", str(tmp_path / "parts.csv")])
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "parts.csv").read_bytes()


def test_a_pipeline_in_a_joblib_file_becomes_a_model_file(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = small_frame()
    pipeline = small_pipeline(X, y)
    joblib.dump(pipeline, tmp_path / "p.joblib")
    options = ["--reference", str(data), "--trust", "--name", "cuaderno", "--decline-at", "0.4"]
    assert main(["compile", str(tmp_path / "p.joblib"), "-o", str(tmp_path / "m"), *options]) == 0
    assert "compiled (Additive, evaluated by Python)" in capsys.readouterr().out
    scorer = Scorer.load(tmp_path / "m")
    assert (scorer.model, scorer.policy.decline_at) == ("cuaderno@1", 0.4)
    assert scorer.schema.names == tuple(pipeline.feature_names_in_)  # the answers' column is none of them
    np.testing.assert_allclose(scorer.predict_proba(X), pipeline.predict_proba(X), rtol=0, atol=1e-12)


def test_a_pipeline_without_compiled_form_is_written_and_reported(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = small_frame()
    model = KNeighborsClassifier().fit(X[["moras"]], y)
    joblib.dump(model, tmp_path / "p.joblib")
    arguments = ["compile", str(tmp_path / "p.joblib"), "--reference", str(data), "--trust"]
    assert main([*arguments, "-o", str(tmp_path / "m")]) == 1
    assert "KNeighborsClassifier has no compiled form" in capsys.readouterr().out
    assert (tmp_path / "m").exists()


def test_no_joblib_file_is_read_unless_it_is_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, ran = tmp_path / "p.joblib", tmp_path / "ran"
    joblib.dump(_Touch(ran), path)
    assert main(["compile", str(path), "-o", str(tmp_path / "m")]) == 2
    assert "--trust" in capsys.readouterr().err
    assert not ran.exists()
    assert main(["compile", str(path), "-o", str(tmp_path / "m"), "--trust"]) == 2
    assert ran.exists()


class _Touch:
    """Leaves a trace when it is read from a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def test_inspecting_a_model_says_what_it_holds(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(model)]) == 0
    out = capsys.readouterr().out
    for word in ("modelo@1", "parity", "digest", "review at 20%", "cross_validation auc", "field    moras"):
        assert word in out
    assert main(["inspect", str(model), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["plan"]["compiled"] is True
    assert [field["name"] for field in facts["schema"]["fields"]] == ["ingresos", "empleo", "moras"]


def test_a_signed_model_needs_its_key_file(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Scorer.load(model).save(model, key=b"secret")
    (tmp_path / "key").write_bytes(b"secret\n")
    assert main(["inspect", str(model), "--key-file", str(tmp_path / "key")]) == 0
    assert main(["inspect", str(model)]) == 2
    assert "signed" in capsys.readouterr().err
    assert main(["inspect", str(model), "--key-file", str(tmp_path / "absent")]) == 2


def test_the_demo_decides_measures_and_compares(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--records", "50"]) == 0
    out = capsys.readouterr().out
    for word in (
        "synthetic",
        "probability of default",
        "p50",
        "p95",
        "p99",
        "times faster",
        "largest difference",
    ):
        assert word in out
    assert sum(out.count(word) for word in ("APPROVE", "REVIEW", "DECLINE")) == 5


def test_the_demo_notices_a_model_that_is_not_its_pipeline(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("morosidad.training.shipped.SEED", 1)
    assert main(["demo", "--records", "20"]) == 2
    assert "does not answer as its pipeline" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, [], "there is no such file"),
        (b"", [], "the file is empty"),
        (b"a,b,moroso\n", [], "the file holds no rows"),
        ("año,moroso\ná,1\n".encode("latin-1"), [], "give --encoding, for example latin-1"),
        (b"a,moroso\n1,0\n", ["--encoding", "martian"], "there is no encoding 'martian'"),
        (b'a,moroso\n"1,0\n2,1,3\n', [], "line 2: a quoted cell is never closed"),
        (b"a,b\n1,0\n", [], "there is no column 'moroso'; there are: a, b"),
        (b"a,moroso\n1,0\n2,0\n", [], "exactly two classes"),
    ],
    ids=["absent", "empty", "no rows", "encoding", "no such encoding", "not csv", "no target", "one class"],
)
def test_training_says_plainly_what_is_wrong_with_a_file(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    options: list[str],
    message: str,
) -> None:
    if content is not None:
        (tmp_path / "x.csv").write_bytes(content)
    arguments = ["train", str(tmp_path / "x.csv"), "--target", "moroso", "-o", str(tmp_path / "m"), *options]
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "m").exists()


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path), "--target", "y", "-o", "m"]) == 2
    assert "can't be read" in capsys.readouterr().err


def test_scoring_says_plainly_what_is_wrong(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["-o", str(tmp_path / "o.csv")]
    assert main(["score", str(tmp_path / "absent"), str(data), *out]) == 2
    assert "no such file" in capsys.readouterr().err
    assert main(["score", str(model), str(data), *out, "--keep", "nada"]) == 2
    assert "no column to keep: nada" in capsys.readouterr().err
    assert main(["score", str(model), str(data), "-o", str(tmp_path / "no" / "o.csv")]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_a_missing_required_column_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("edad\n30\n", encoding="utf-8")
    from morosidad.training.shipped import PATH

    assert main(["score", str(PATH), str(tmp_path / "in.csv"), "-o", str(tmp_path / "o.csv")]) == 2
    assert "ingresos_mensuales" in capsys.readouterr().err


def test_interruption_and_a_closed_pipe_end_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("morosidad.commands.inspect.run", interrupted)
    assert main(["inspect", "x"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error() -> None:
    import subprocess
    import sys

    from morosidad.training.shipped import PATH

    command = [sys.executable, "-m", "morosidad", "inspect", str(PATH)]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["train"]])
def test_wrong_use_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: morosidad" in capsys.readouterr().err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


def test_a_log_is_verified_and_replayed(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from morosidad.audit import AuditLog

    log = tmp_path / "log.jsonl"
    records = pd.read_csv(data).drop(columns="moroso").head(10).to_dict("records")
    with AuditLog(log) as audit:
        Scorer.load(model, audit=audit).score_many(records)
    assert main(["audit", "verify", str(log)]) == 0
    assert main(["audit", "replay", str(log), "--model", str(model)]) == 0
    from morosidad.policy.cutoffs import Policy

    Scorer.load(model, policy=Policy(review_at=0, decline_at=0)).save(tmp_path / "strict")
    assert main(["audit", "replay", str(log), "--model", str(tmp_path / "strict")]) == 1
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:3], *lines[4:]]))
    assert main(["audit", "verify", str(log)]) == 1
    assert main(["audit", "verify", str(tmp_path / "absent.jsonl")]) == 2
    assert "no such log" in capsys.readouterr().err
    (tmp_path / "folder.jsonl").mkdir()
    assert main(["audit", "verify", str(tmp_path / "folder.jsonl")]) == 2
    assert "folder.jsonl: the log can't be read: " in capsys.readouterr().err
