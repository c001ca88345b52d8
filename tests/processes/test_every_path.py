"""Whatever takes a path keeps to the place that was meant, or refuses what can't be its file at once."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
import shutil
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import morosidad
from morosidad import AuditLog, KPITracker, Policy, Rules, Scorer, Settings, audit, resources
from morosidad.errors import InvalidFrame, MorosidadError

RECORD = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
TABLE = {
    "hitPolicy": "first",
    "inputs": [{"id": "i", "field": "edad"}],
    "outputs": [{"id": "o", "field": "outcome"}],
    "rules": [{"i": "< 21", "o": "'revisar'"}],
}
FILES = {
    "policy.json": {"review_at": 0.1},
    "table.json": {"nodes": [{"type": "decisionTableNode", "content": TABLE}]},
    "settings.json": {"queue_size": 77},
}


class Taker(NamedTuple):
    """What is made with a path, what is asked of that later, and the file that it reads, if it does."""

    make: Callable[[Any], Any]
    use: Callable[[Any], object] = lambda made: made
    file: str = ""
    streams: bool = False  # reads what comes through a pipe, or writes into one


def _no_usage() -> tuple[None, None]:
    return None, None


def _closed(log: AuditLog) -> int:
    Scorer.default(audit=log).score_one(RECORD)
    log.close()
    return len(list(audit.read(log.stats().path)))


def _counted(tracker: KPITracker) -> None:
    tracker.record(0.1)
    tracker.close()


def _own_frame(keys: Any) -> int:
    with AuditLog(_folder() / "own.jsonl", usage=_no_usage) as log:
        Scorer.default(audit=log).score_one(RECORD)
        log.flush()
        return len(log.frame(keys=keys))


def _folder() -> Path:
    return Path(os.environ["FOLDER_OF_TEST"])


def _log() -> Path:
    return _folder() / "d.jsonl"


TAKERS = {
    "AuditLog(path)": Taker(lambda p: AuditLog(p, usage=_no_usage), _closed),
    "AuditLog.frame(keys)": Taker(_own_frame, file="d.jsonl.keys"),
    "KPITracker(shared)": Taker(lambda p: KPITracker(shared=p), _counted),
    "Policy.load(path)": Taker(Policy.load, lambda p: p.review_at, "policy.json", streams=True),
    "Policy.save(path)": Taker(Policy(review_at=0.1).save, streams=True),
    "Rules.from_jdm(source)": Taker(Rules.from_jdm, len, "table.json", streams=True),
    "Scorer.load(path)": Taker(Scorer.load, lambda s: s.reload(), "m.morosidad"),
    "Scorer.reload(path)": Taker(lambda p: Scorer.default().reload(p), file="m.morosidad"),
    "Scorer.save(path)": Taker(lambda p: Scorer.default().save(p)),
    "Settings.load(file)": Taker(
        lambda p: Settings.load(p, {}, dotenv=None), lambda s: s.queue_size, "settings.json", streams=True
    ),
    "Settings.load(dotenv)": Taker(
        lambda p: Settings.load(env={}, dotenv=p), lambda s: s.queue_size, "settings.env", streams=True
    ),
    "LogTable(paths)": Taker(audit.LogTable, lambda t: [len(f) for f in t.chunks()], "d.jsonl"),
    "LogTable(keys)": Taker(
        lambda p: audit.LogTable(_log(), keys=p), lambda t: [len(f) for f in t.chunks()], "d.jsonl.keys"
    ),
    "export(paths)": Taker(lambda p: audit.export(p, _folder() / "o.csv"), file="d.jsonl"),
    "export(output)": Taker(lambda p: audit.export(_log(), p), streams=True),
    "export(keys)": Taker(lambda p: audit.export(_log(), _folder() / "o.jsonl", keys=p), file="d.jsonl.keys"),
    "find(paths)": Taker(lambda p: audit.find(p, "x"), lambda r: len(list(r)), "d.jsonl"),
    "find(keys)": Taker(lambda p: audit.find(_log(), "x", keys=p), lambda r: len(list(r)), "d.jsonl.keys"),
    "find_logs(path)": Taker(audit.find_logs, lambda f: audit.verify(f[0]).ok, "d.jsonl"),
    "forget(path)": Taker(lambda p: audit.forget(p, "nobody"), file="d.jsonl"),
    "frame(paths)": Taker(audit.frame, len, "d.jsonl"),
    "frame(keys)": Taker(lambda p: audit.frame(_log(), keys=p), len, "d.jsonl.keys"),
    "read(paths)": Taker(audit.read, lambda r: len(list(r)), "d.jsonl"),
    "read(keys)": Taker(lambda p: audit.read(_log(), keys=p), lambda r: len(list(r)), "d.jsonl.keys"),
    "replay(paths)": Taker(lambda p: audit.replay(p, lambda _: 0.5).replayed, file="d.jsonl"),
    "replay(keys)": Taker(
        lambda p: audit.replay(_log(), lambda _: 0.5, keys=p).replayed, file="d.jsonl.keys"
    ),
    "verify(path)": Taker(audit.verify, lambda r: r.ok, "d.jsonl"),
    "verify(keys)": Taker(lambda p: audit.verify(_log(), keys=p).ok, file="d.jsonl.keys"),
    "ResourceReader(root)": Taker(resources.ResourceReader, lambda r: r._root, "root", streams=True),
    "hardware_limits(root)": Taker(resources.hardware_limits, lambda h: h.workers, "root", streams=True),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    for name, content in FILES.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "settings.env").write_text("MOROSIDAD_QUEUE_SIZE=77\n")
    (folder / "root").mkdir()
    Scorer.default().save(folder / "m.morosidad")
    with AuditLog(folder / "d.jsonl", usage=_no_usage, erasure=True) as log:
        Scorer.default(audit=log).score_one(RECORD, request_id="x")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "one")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    monkeypatch.setenv("FOLDER_OF_TEST", str(tmp_path / "one"))
    return tmp_path / "one"


def _named(taker: Taker) -> str:
    return taker.file or "new.jsonl"


def _public_paths() -> Iterator[str]:
    """Find the arguments of public functions, classes and methods that are paths."""
    modules = [morosidad, *(importlib.import_module(f"morosidad.{m.name}") for m in
               pkgutil.iter_modules(morosidad.__path__) if m.ispkg)]  # fmt: skip
    for module in modules:
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            found = {name: thing.__init__ if inspect.isclass(thing) else thing}
            if inspect.isclass(thing):
                found |= {f"{name}.{n}": getattr(thing, n) for n in dir(thing) if not n.startswith("_")}
            for place, function in found.items():
                if not isinstance(function, types.FunctionType | types.MethodType):
                    continue
                for parameter in inspect.signature(function).parameters.values():
                    if re.search(r"PathLike|\bPaths?_?\b|\bKeys\b", str(parameter.annotation)):
                        yield f"{place}({parameter.name})"


def test_all_that_take_a_path_are_tried_here() -> None:
    assert set(_public_paths()) == set(TAKERS)


@pytest.mark.parametrize("name", TAKERS)
def test_a_later_change_of_folder_changes_nothing(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taker = TAKERS[name]
    here = taker.use(taker.make(folder / _named(taker))) if taker.file else None
    thing = taker.make(_named(taker))
    monkeypatch.chdir(folder.parent / "other")
    found = taker.use(thing)
    assert os.listdir(folder.parent / "other") == []
    if taker.file:
        assert type(found) is type(here)
    else:
        assert (folder / "new.jsonl").exists()


@pytest.mark.parametrize("name", [name for name, taker in TAKERS.items() if taker.file != "root"])
def test_a_folder_is_refused_at_once(name: str, tmp_path: Path, folder: Path) -> None:
    place = tmp_path / "place.jsonl"
    place.mkdir()
    with pytest.raises((MorosidadError, OSError), match=r"folder|directory"):
        TAKERS[name].make(place)
    assert os.listdir(place) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
@pytest.mark.parametrize("name", [name for name, taker in TAKERS.items() if taker.file != "root"])
def test_a_pipe_works_or_is_refused_at_once(name: str, tmp_path: Path, folder: Path) -> None:
    taker = TAKERS[name]
    place = tmp_path / f"pipe{Path(_named(taker)).suffix}"
    os.mkfifo(place)
    if not taker.streams:
        with pytest.raises((MorosidadError, OSError)):
            taker.use(taker.make(place))
        return
    if taker.file:
        content = (folder / taker.file).read_bytes()
        other = threading.Thread(target=lambda: place.write_bytes(content))
        other.start()
        assert taker.use(taker.make(place)) == taker.use(taker.make(folder / taker.file))
    else:
        taker.make(folder / "new.jsonl")
        read: list[bytes] = []
        other = threading.Thread(target=lambda: read.append(place.read_bytes()))
        other.start()
        taker.make(place)
    other.join()
    if not taker.file:
        assert read == [(folder / "new.jsonl").read_bytes()]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_log_is_not_exported_onto_itself(ending: str, folder: Path) -> None:
    log = folder / f"e.{ending}"
    with AuditLog(log, usage=_no_usage) as opened:
        Scorer.default(audit=opened).score_one(RECORD)
    before = log.read_bytes()
    (folder / f"link.{ending}").symlink_to(log)
    for output in (log, folder / f"link.{ending}"):
        with pytest.raises(InvalidFrame, match="this file is read"):
            audit.export(log, output)
    assert log.read_bytes() == before
