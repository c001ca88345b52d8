"""Scoring, reloading, emptying the cache and reporting race each other, and nobody notices."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from morosidad import AuditLog, Decision, DriftMonitor, KPITracker, RecoveryPolicy, Scorer, TieredCache
from morosidad.audit import read, verify
from support import small_frame, small_pipeline

RECORDS = [
    {"ingresos": 250.0 * i, "empleo": ("fijo", "libre", "otro", None)[i % 4], "moras": i % 7}
    for i in range(1, 41)
]
SCORERS = 4


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Save two models that answer differently."""
    folder = tmp_path_factory.mktemp("models")
    for place, name in enumerate(("uno", "dos")):
        X, y = small_frame(seed=place)
        Scorer(small_pipeline(X, y), reference=X, name=name).save(folder / name)
    return [folder / "uno", folder / "dos"]


@pytest.fixture(scope="module")
def expected(files: list[Path]) -> dict[tuple[str, int], float]:
    """Give the probability of each record by each model, found alone and in peace."""
    return {
        (scorer.model, i): scorer.score_one(record).probability
        for scorer in map(Scorer.load, files)
        for i, record in enumerate(RECORDS)
    }


def race(*works: Callable[[], object]) -> None:
    """Run each work in a thread of its own, all starting at once; raise what any of them raises."""
    together, errors = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        together.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def until(done: threading.Event, *turns: Callable[[], object]) -> Callable[[], None]:
    """Make a work of things done in turns, at least once each, until something else is done."""

    def work() -> None:
        for turn in turns:
            turn()
        while not done.is_set():
            for turn in turns:
                turn()

    return work


class Swapping:
    """Reloads two models in turns, each time until the new one has been heard to answer."""

    def __init__(self, scorer: Scorer, files: list[Path], times: int) -> None:
        self.scorer, self.files, self.times = scorer, files, times
        self.done = threading.Event()
        self._heard = {path.name: threading.Event() for path in files}

    def hear(self, model: str) -> None:
        self._heard[model.split("@")[0]].set()

    def work(self) -> None:
        try:
            for number in range(1, self.times + 1):
                path = self.files[number % 2]
                self.scorer.reload(path)
                self._heard[path.name].clear()
                assert self._heard[path.name].wait(60.0), f"{path.name} was reloaded and answers nothing"
        finally:
            self.done.set()


class Asking:
    """Scores all records again and again, from several threads, and keeps the answers."""

    def __init__(self, swapping: Swapping) -> None:
        self.scorer, self.swapping = swapping.scorer, swapping
        self.answers: list[tuple[int, Decision]] = []
        self.rounds: list[int] = []

    def works(self) -> list[Callable[[], None]]:
        return [lambda me=me: self._ask(me) for me in range(SCORERS)]

    def _ask(self, me: int) -> None:
        turn = 0
        while not self.swapping.done.is_set():
            found = self._many() if turn % 2 else self._one_by_one(f"{me}-{turn}")
            self.answers += enumerate(found)
            self.swapping.hear(found[-1].model)
            turn += 1
        self.rounds.append(turn)

    def _many(self) -> list[Decision]:
        return [d for d in self.scorer.score_many(RECORDS) if isinstance(d, Decision)]

    def _one_by_one(self, name: str) -> list[Decision]:
        ids = [f"{name}-{i}" for i in range(len(RECORDS))]
        found = [self.scorer.score_one(*pair) for pair in zip(RECORDS, ids, strict=True)]
        assert [d.request_id for d in found] == ids
        return found


@pytest.mark.parametrize("cache", ["none", "plain", "auto"])
def test_reload_invalidate_report_and_scoring_race_and_nothing_is_mixed_up(
    files: list[Path],
    expected: dict[tuple[str, int], float],
    cache: str,
    tmp_path: Path,
    seconds: Callable[[float, float], float],
) -> None:
    kept: TieredCache[Any, Any] = TieredCache(l1=8, l2=16)
    kpis, log = KPITracker(), AuditLog(tmp_path / "decisiones.jsonl", queue_size=10**6)
    reference = Scorer.load(files[0]).drift_reference
    assert reference is not None
    drift = DriftMonitor(reference, every=1)
    scorer = Scorer.load(
        files[0],
        cache={"none": None, "plain": kept, "auto": "auto"}[cache],  # type: ignore[arg-type]
        kpis=kpis,
        drift=drift,
        audit=log,
        recovery=RecoveryPolicy(),
    )
    swapping = Swapping(scorer, files, int(seconds(12, 600)))
    asking = Asking(swapping)
    race(
        *asking.works(),
        swapping.work,
        until(swapping.done, kept.invalidate, lambda: scorer._path.clear_cache()),
        until(swapping.done, kpis.report, drift.report, log.stats, kept.stats),
    )
    log.close()

    total = sum(asking.rounds) * len(RECORDS)
    assert len(asking.answers) == total
    wrong = [d for i, d in asking.answers if d.probability != expected[d.model, i]]
    assert not wrong
    assert {d.model for _, d in asking.answers} == {"uno@1", "dos@1"}
    counts = kpis.lifetime()
    assert (counts.total, counts.ok, counts.failures) == (total, total, 0)
    now = scorer.parts.get("drift")
    assert now is not None
    assert now.report().records <= total, "a model with another reference has a monitor of its own"
    report = verify(tmp_path / "decisiones.jsonl")
    assert (report.ok, report.decisions, report.lost) == (True, total, 0)
    logged = Counter(
        (line.model.name, line.request_id, line.probability) for line in read(tmp_path / "decisiones.jsonl")
    )
    given = Counter((d.model.split("@")[0], d.request_id, d.probability) for _, d in asking.answers)
    assert logged == given


def test_a_frame_is_answered_by_one_model_while_others_reload(
    files: list[Path],
    expected: dict[tuple[str, int], float],
    seconds: Callable[[float, float], float],
) -> None:
    import pandas as pd

    frame = pd.DataFrame(RECORDS)
    columns = {path.name: [expected[f"{path.name}@1", i] for i in range(len(RECORDS))] for path in files}
    scorer = Scorer.load(files[0], kpis=KPITracker())
    swapping = Swapping(scorer, files, int(seconds(12, 600)))

    def ask() -> None:
        while not swapping.done.is_set():
            found = scorer.score_frame(frame)["probability"].tolist()
            near = [
                name
                for name, column in columns.items()
                if max(abs(a - b) for a, b in zip(found, column, strict=True)) < 1e-12
            ]
            assert len(near) == 1, "rows of two models in one answer"
            swapping.hear(near[0])

    race(ask, swapping.work)
