"""Paths are resolved when an object is made, and what can't hold its file is refused then."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from morosidad import AuditLog, Scorer
from morosidad.audit import AuditContext, read
from morosidad.cache import TieredCache
from morosidad.commands.score import run
from morosidad.errors import ArtifactError, ConfigurationError, MorosidadError, SettingsError
from morosidad.kpis import KPITracker
from morosidad.kpis.counting.shared_counts import SharedCounts
from morosidad.processes.paths import absolute, is_stream, no_regular_file, open_to_write
from morosidad.resources.reader import ResourceReader
from morosidad.training.shipped import PATH
from scoring_parts import RECORD, scorer_with
from support import PYTHONPATH

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX files")


@pytest.fixture
def two_folders(tmp_path, monkeypatch):
    """Stand in one folder now, and in another one after `leave`."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    return tmp_path / "one", lambda: monkeypatch.chdir(tmp_path / "other")


def test_a_log_stays_where_it_was_asked_for(two_folders):
    folder, leave = two_folders
    log = AuditLog("d.jsonl", usage=lambda: (None, None))
    leave()
    assert log.stats().path == str(folder / "d.jsonl")
    context = AuditContext(
        model="m", version="1", digest="d", schema="s", policy="p", cutoffs={}, fields=("edad",)
    )
    decision = types.SimpleNamespace(
        probability=0.1,
        probabilities=(0.9, 0.1),
        label=0,
        confidence=0.9,
        outcome="aprobar",
        reasons=(),
        warnings=(),
        cached=None,
        degraded=False,
        request_id="x",
    )
    log.append(context, decision, (30,), 0.1)
    log.close()
    assert [line.request_id for line in read(folder / "d.jsonl")] == ["x"]
    assert not os.listdir(folder.parent / "other")


def test_a_scorer_is_reloaded_from_where_it_came(trained, two_folders):
    _, leave = two_folders
    scorer_with(trained, name="uno").save("m.morosidad")
    scorer_with(trained, name="dos").save("n.morosidad")
    scorer = Scorer.load("m.morosidad", cache=TieredCache(5, 5, 60))
    copied = scorer.with_parts(cache=None)
    scorer.reload("n.morosidad")
    leave()
    for one, name in ((scorer, "dos@1"), (copied, "uno@1")):
        one.reload()
        assert one.model == name
        assert one.score_one(RECORD).outcome


def test_shared_figures_stay_where_they_are(two_folders):
    folder, leave = two_folders
    tracker = KPITracker(shared="k")
    leave()
    assert tracker._shared.path == folder / "k"
    tracker._shared.release()
    tracker._shared.take_segment()
    tracker.close()
    assert not os.listdir(folder.parent / "other")


def test_the_root_of_limits_stays(two_folders):
    folder, leave = two_folders
    reader = ResourceReader(".")
    leave()
    assert reader._root == folder


def _save(path: Any) -> None:
    Scorer.default().save(path)


KEPT: dict[str, tuple[Callable[[Any], Any], type[MorosidadError]]] = {
    "log": (AuditLog, SettingsError),
    "figures": (lambda path: KPITracker(shared=path), ConfigurationError),
    "counts": (lambda path: SharedCounts(path, KPITracker()._shape, 2), ConfigurationError),
    "saved model": (_save, ArtifactError),
    "loaded model": (Scorer.load, ArtifactError),
}


@posix
@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize(
    "place", ["folder", "pipe", "link to a pipe", "/dev/stdout", "/dev/stderr", "/dev/null"]
)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, kind, place):
    path = place
    if not place.startswith("/"):
        path = tmp_path / "place"
        if place == "folder":
            path.mkdir()
        else:
            os.mkfifo(path)
        if place == "link to a pipe":
            (tmp_path / "link").symlink_to(path)
            path = tmp_path / "link"
    make, error = KEPT[kind]
    with pytest.raises((error, OSError), match=str(path)):
        make(path)
    assert os.path.lexists(path)


@posix
def test_devices_are_named_as_what_they_are(tmp_path):
    assert no_regular_file(absolute("/dev/stdout"))
    assert no_regular_file(absolute("/proc/self/fd/1"))
    assert no_regular_file(tmp_path) == "this is a folder"
    assert no_regular_file(tmp_path / "new") == ""
    assert no_regular_file(absolute(tmp_path / "a\0b")) == ""


@posix
def test_bad_rows_have_no_place_beside_a_device():
    arguments = types.SimpleNamespace(model="m", data="d", output="/dev/null", bad=None)
    with pytest.raises(SettingsError, match="--bad"):
        run(arguments)


@posix
def test_what_is_written_to_an_open_stream_goes_behind_what_is_there(tmp_path):
    with (tmp_path / "f").open("w+b", buffering=0) as file:
        for name in (f"/dev/fd/{file.fileno()}", f"/proc/self/fd/{file.fileno()}"):
            file.write(b"first\n")
            with open_to_write(name) as stream:
                stream.write(b"then\n")
        assert (tmp_path / "f").read_bytes() == b"first\nthen\n" * 2
    assert [is_stream(path) for path in ("/dev/null", "/dev/stdout", tmp_path, tmp_path / "f")] == [
        True, True, False, False
    ]  # fmt: skip


@posix
def test_decided_rows_follow_what_the_output_holds_already(tmp_path):
    data = tmp_path / "a.csv"
    data.write_text(
        "edad,ingresos_mensuales,monto_credito,plazo_meses\n41,2400000,6e6,36\n30,1400000,6e6,36\n"
    )
    options = "-o /dev/stdout --bad /proc/self/fd/2 --allow-missing"
    command = f"echo first; {sys.executable} -m morosidad score {PATH} {data} {options}; echo last"
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "MOROSIDAD_LANGUAGE": "en"}
    with (tmp_path / "o").open("wb") as out, (tmp_path / "e").open("wb") as errors:
        subprocess.run(["/bin/sh", "-c", command], stdout=out, stderr=errors, env=environment, check=True)
    lines = (tmp_path / "o").read_text().splitlines()
    assert (lines[0], lines[1][:4], len(lines), lines[-1]) == ("first", "row,", 5, "last")
    assert "2" in (tmp_path / "e").read_text()
