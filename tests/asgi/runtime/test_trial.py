"""Files that are sound in form and cost too much: refused, and no thread is left with them."""

from __future__ import annotations

import io
import json
import os
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad import Scorer
from morosidad.asgi.runtime import trial
from morosidad.compiler.storage.packing import unpack
from morosidad.compiler.storage.soundness import check
from morosidad.errors import ArtifactCorrupted, ArtifactError, MorosidadError
from morosidad.model_file import artifact
from morosidad.scoring.content.original import _check_sizes
from serving import FOUND


def doubled(levels: int) -> dict[str, Any]:
    """Write a form in which each level adds the one below to itself."""
    shared: list[Any] = [{"type": "Raw", "of": {"field": 0}}]
    for place in range(levels):
        of = {"op": "+", "left": {"shared": place}, "right": {"shared": place}}
        shared.append({"type": "Arith", "of": of})
    return {"root": {"type": "Additive", "of": {"terms": [{"shared": levels}]}}, "shared": shared}


def reload(url: str) -> tuple[int, Any]:
    request = urllib.request.Request(f"{url}/admin/recargar", b"", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=FOUND) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_models_that_unfold_are_refused_as_often_as_one_likes_and_a_good_one_then_loads(
    run, tmp_path
) -> None:
    model = tmp_path / "m.morosidad"
    Scorer.default().save(model)
    good = model.read_bytes()
    server = run("--model", str(model))
    content = artifact.load(model)
    form = doubled(200)
    artifact.save(model, artifact.Content({**content.manifest, "form": form}, content.arrays))
    for _ in range(3):
        status, document = reload(server.url)
        assert (status, document["codigo"]) == (500, "E500")
    model.unlink()
    os.mkfifo(model)
    assert reload(server.url)[0] == 500
    model.unlink()
    model.write_bytes(good)
    assert reload(server.url)[0] == 200
    code, _, err = server.stop()
    assert (code, "Traceback" in err) == (0, False)


@pytest.mark.parametrize(
    "script", ["while True: pass", "held = [bytes(2**26) for _ in range(99)]", "raise SystemExit(3)"]
)
def test_a_process_that_passes_its_limits_is_ended(monkeypatch, tmp_path, script) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"")
    start = trial._START.replace(
        "run(task)",
        f"""
import morosidad.asgi.runtime.trial as trial
trial._limit(2**30, 60)
{script}
""",
    )
    monkeypatch.setattr(trial, "_START", start)
    with pytest.raises(ArtifactCorrupted, match="loading it takes more"):
        trial.try_model(path, None, seconds=5.0 if "while" in script else FOUND)


def test_a_good_file_and_one_that_is_merely_wrong_pass(tmp_path) -> None:
    path = tmp_path / "m.morosidad"
    Scorer.default().save(path)
    trial.try_model(path, None, seconds=FOUND)
    path.write_bytes(b"no model")
    trial.try_model(path, None, seconds=FOUND)
    with pytest.raises(ArtifactError):
        trial.try_model(tmp_path / "absent", None)


PLACES = st.integers(-2, 12)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.floats(),
    PLACES.map(lambda place: {"shared": place}), PLACES.map(lambda place: {"array": place}),
)  # fmt: skip
TYPES = st.sampled_from(
    [
        "Additive",
        "Arith",
        "Bins",
        "Curve",
        "Edges",
        "Lookup",
        "Mean",
        "Raw",
        "Sigmoid",
        "Table",
        "Forest",
        "Fill",
    ]
)
FIELDS = st.sampled_from(
    [
        "left",
        "right",
        "op",
        "of",
        "table",
        "edges",
        "rows",
        "values",
        "place",
        "field",
        "terms",
        "forms",
        "keys",
    ]
)
NODES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.builds(
            lambda kind, of: {"type": kind, "of": of}, TYPES, st.dictionaries(FIELDS, inner, max_size=4)
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(root=NODES, shared=st.lists(NODES, max_size=8))
def test_whatever_graph_a_file_holds_it_is_refused_or_sound(root, shared) -> None:
    arrays = [np.arange(3.0), np.zeros((4, 2)), np.zeros(0)]
    try:
        check(unpack({"root": root, "shared": shared}, arrays), 3)
    except ValueError:
        return


@pytest.mark.parametrize("levels", [1, 30, 200, 100_000])
def test_expressions_are_not_shared(levels) -> None:
    with pytest.raises(ValueError, match="no table is shared"):
        unpack(doubled(levels), [])


def test_parts_are_not_nested_for_ever() -> None:
    node: Any = {"type": "Raw", "of": {"field": 0}}
    for _ in range(300):
        node = {"type": "Fill", "of": {"of": node}}
    with pytest.raises(ValueError, match="nested too deeply"):
        unpack({"root": node, "shared": []}, [])


@pytest.mark.parametrize("name", ["x" * 10**6, "a\nb", "a\x1b[31m", "\u2028", "a\x00"])
def test_names_that_can_not_stand_on_a_line_are_refused(tmp_path, name) -> None:
    path = tmp_path / "m.morosidad"
    Scorer.default().save(path)
    content = artifact.load(path)
    for what in ("name", "version"):
        manifest = {**content.manifest, what: name}
        with pytest.raises(ArtifactCorrupted) as refused:
            artifact.save(path, artifact.Content(manifest, content.arrays))
        assert len(str(refused.value)) < 500
    bytes_ = zipped({**content.manifest, "format": 1, "name": name, "members": {}})
    path.write_bytes(bytes_)
    with pytest.raises(ArtifactCorrupted, match="name"):
        artifact.load(path)


def zipped(manifest: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
    return buffer.getvalue()


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/urandom", "fifo", "folder"])
def test_only_regular_files_are_read(tmp_path, place) -> None:
    path = Path(place) if place.startswith("/") else tmp_path / place
    if place == "fifo":
        os.mkfifo(path)
    if place == "folder":
        path.mkdir()
    with pytest.raises(MorosidadError, match="can't be read"):
        Scorer.load(path)


def test_an_original_does_not_unfold() -> None:
    def archive(name: str, data: bytes, kind: int) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", kind) as written:
            written.writestr(name, data)
        return buffer.getvalue()

    zeros = io.BytesIO()
    np.save(zeros, np.zeros(10**7))
    large = archive("a.npy", zeros.getvalue(), zipfile.ZIP_DEFLATED)
    declared = zeros.getvalue()[:128]
    for data in (
        large,
        archive("s.npz", large, zipfile.ZIP_STORED),
        archive("a.npy", declared, zipfile.ZIP_STORED),
    ):
        with pytest.raises(ValueError, match=r"larger than|unfold"):
            _check_sizes(data)
