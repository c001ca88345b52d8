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


class Asking:
    """Scores all records so many times, from several threads, and keeps the answers."""

    def __init__(self, scorer: Scorer, rounds: int) -> None:
        self.scorer, self.rounds = scorer, rounds
        self.answers: list[tuple[int, Decision]] = []
        self.done = threading.Event()
        self._left = threading.Semaphore(0)

    def works(self) -> list[Callable[[], None]]:
        return [lambda me=me: self._ask(me) for me in range(SCORERS)]

    def _ask(self, me: int) -> None:
        try:
            for turn in range(self.rounds):
                if turn % 2:
                    found = self.scorer.score_many(RECORDS)
                else:
                    found = [
                        self.scorer.score_one(record, f"{me}-{turn}-{i}") for i, record in enumerate(RECORDS)
                    ]
                self.answers += [(i, d) for i, d in enumerate(found) if isinstance(d, Decision)]
                if turn % 2 == 0:
                    ids = [f"{me}-{turn}-{i}" for i in range(len(RECORDS))]
                    assert [d.request_id for d in found if isinstance(d, Decision)] == ids
        finally:
            self._left.release()
            if self._left._value == SCORERS:
                self.done.set()


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
    asking = Asking(scorer, int(seconds(20, 2000)))
    race(
        *asking.works(),
        until(asking.done, lambda: scorer.reload(files[1]), lambda: scorer.reload(files[0])),
        until(asking.done, kept.invalidate, lambda: scorer._way.clear()),
        until(asking.done, kpis.report, drift.report, log.stats, kept.stats),
    )
    log.close()

    total = SCORERS * asking.rounds * len(RECORDS)
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
    columns = [
        [expected[model, i] for i in range(len(RECORDS))] for model in sorted({m for m, _ in expected})
    ]
    scorer = Scorer.load(files[0], kpis=KPITracker())
    done = threading.Event()
    seen: set[int] = set()

    def ask() -> None:
        for _ in range(int(seconds(20, 1000))):
            found = scorer.score_frame(frame)["probability"].tolist()
            near = [max(abs(a - b) for a, b in zip(found, column, strict=True)) < 1e-12 for column in columns]
            assert sum(near) == 1, "rows of two models in one answer"
            seen.add(near.index(True))

    def ask_all() -> None:
        try:
            ask()
        finally:
            done.set()

    race(ask_all, until(done, lambda: scorer.reload(files[1]), lambda: scorer.reload(files[0])))
    assert seen == {0, 1}
