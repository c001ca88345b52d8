"""Many rows through Dask and Spark, on one worker and on two: ``python benchmarks/engines/bench_engines.py``.

``--rows N`` (10,000,000 by default), ``--engines dask,spark``. The rows are synthetic applicants, written as
Parquet files; each engine reads, scores and writes them, and a worker is killed midway in a further run. The
answers are compared with those of one process: the number of rows, the sum of the probabilities, and a digest
of them in the order of their ids.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import fsum
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1]))
from measuring import full, installed, words
from morosidad import AHORRO_VALLE, Scorer, make_applicants
from morosidad.engines import batch_report, score_dask, score_spark

PART = full(100_000, 500)  # rows of a file


def option(name: str, default: str) -> str:
    given = words()
    return given[given.index(name) + 1] if name in given else default


class Answers(NamedTuple):
    """What has to be the same, however the rows were scored."""

    rows: int
    total: float
    digest: str


class Workers:
    """The processes below this one: how much memory each takes at most; one of them can be killed."""

    def __init__(self, kill: str, done: Callable[[], bool]) -> None:
        self.peaks: dict[int, int] = {}
        self.killed = False
        self._kill, self._done, self._over = kill, done, threading.Event()
        self._watch = threading.Thread(target=self._look)

    def __enter__(self) -> Workers:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            for process in psutil.Process().children(recursive=True):
                try:
                    self.peaks[process.pid] = max(self.peaks.get(process.pid, 0), process.memory_info().rss)
                    if (
                        self._kill
                        and not self.killed
                        and self._kill in " ".join(process.cmdline())
                        and self._done()
                    ):
                        process.kill()
                        self.killed = True
                except psutil.Error:
                    continue

    @property
    def peak(self) -> float:
        """The largest, in MiB."""
        return max(self.peaks.values(), default=0) / 2**20


def make_files(folder: Path, rows: int) -> None:
    """Write applicants with ids, one file after the other."""
    for first in range(0, rows, PART):
        number = min(PART, rows - first)
        frame = make_applicants(number, seed=first)[list(AHORRO_VALLE.names)]
        frame.insert(0, "id", range(first, first + number))
        frame.to_parquet(folder / f"{first:010}.parquet", index=False)


def answers_in(folder: Path) -> Answers:
    """Read what was written, in the order of the ids."""
    files = sorted(folder.glob("*.parquet"))
    table = pa.concat_tables([pq.read_table(file, columns=["request_id", "probability"]) for file in files])
    table = table.set_column(0, "request_id", table["request_id"].cast(pa.int64())).sort_by("request_id")
    probability = table["probability"].fill_null(-1.0).to_numpy()
    digest = hashlib.blake2b(table["request_id"].to_numpy().tobytes() + probability.tobytes(), digest_size=8)
    return Answers(table.num_rows, fsum(probability[probability >= 0.0].tolist()), digest.hexdigest())


def one_process(scorer: Scorer, source: Path, target: Path) -> None:
    for file in sorted(source.glob("*.parquet")):
        found = scorer.score_frame(pq.read_table(file), ids="id", errors="coerce")
        pq.write_table(found, target / file.name)


@contextmanager
def dask_workers(number: int) -> Iterator[Callable[[Scorer, Path, Path], None]]:
    import dask.dataframe as dd
    from distributed import Client, LocalCluster

    def run(scorer: Scorer, source: Path, target: Path) -> None:
        rows = dd.read_parquet(str(source), split_row_groups=True)
        score_dask(rows, scorer, ids="id", report=True).to_parquet(str(target), write_index=False)

    options: dict[str, Any] = {"host": "127.0.0.1", "dashboard_address": None, "memory_limit": 0}
    with LocalCluster(n_workers=number, threads_per_worker=1, **options) as cluster, Client(cluster):
        yield run


@contextmanager
def spark_workers(number: int) -> Iterator[Callable[[Scorer, Path, Path], None]]:
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"], os.environ["PYSPARK_PYTHON"] = "127.0.0.1", sys.executable
    spark = (
        SparkSession.builder.master(f"local-cluster[{number},1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.executorEnv.PYTHONPATH", os.environ.get("PYTHONPATH", ""))
        .config("spark.sql.files.maxPartitionBytes", "16m")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")

    def run(scorer: Scorer, source: Path, target: Path) -> None:
        rows = spark.read.parquet(str(source))
        score_spark(rows, scorer, ids="id", report=True).write.mode("overwrite").parquet(str(target))

    try:
        spark.range(10).count()  # its executors are there
        yield run
    finally:
        spark.stop()


ENGINES: dict[str, tuple[Any, str, str]] = {
    "dask": (dask_workers, "distributed", "spawn_main"),
    "spark": (spark_workers, "pyspark", "CoarseGrainedExecutorBackend"),
}


def measure(name: str, number: int, source: Path, folder: Path, kill: bool) -> tuple[float, Workers, Any]:
    """Score all files on so many workers; give the seconds, the workers, and what was counted."""
    workers, _, process = ENGINES[name]
    scorer, target = Scorer.default(), folder / "scored"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()

    def begun() -> bool:
        return sum(1 for _ in target.rglob("*.parquet")) >= 1

    with workers(number) as run, Workers(process if kill else "", begun) as seen:
        start = time.perf_counter()
        run(scorer, source, target)
        seconds = time.perf_counter() - start
    table = pa.concat_tables([pq.read_table(f, columns=["counts"]) for f in sorted(target.glob("*.parquet"))])
    return seconds, seen, batch_report(table, scorer)


def show(name: str, seconds: float, peak: float, first: float, same: bool, extra: str = "") -> None:
    verdict = "the same" if same else "OTHERS"
    print(
        f"{name:24}{seconds:9.1f} s{first / seconds:8.2f}x{peak:8.0f} MiB  answers: {verdict}{extra}",
        flush=True,
    )


def main() -> None:
    rows = int(option("--rows", str(full(10_000_000, 2000))))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, alone = folder / "applicants", folder / "alone"
        source.mkdir()
        alone.mkdir()
        make_files(source, rows)
        print(f"{rows:,} rows, load {os.getloadavg()[0]:.1f}", flush=True)
        start = time.perf_counter()
        one_process(Scorer.default(), source, alone)
        seconds, expected = time.perf_counter() - start, answers_in(alone)
        print(f"sum of the probabilities {expected.total!r}, digest {expected.digest}")
        show("score_frame", seconds, psutil.Process().memory_info().rss / 2**20, seconds, True)
        for engine in option("--engines", "dask,spark").split(","):
            if not installed(ENGINES[engine][1]):
                continue
            first = 0.0
            for number, kill in ((1, False), (2, False), (2, True)):
                took, seen, report = measure(engine, number, source, folder, kill)
                first = first or took
                same = answers_in(folder / "scored") == expected and report.rows == expected.rows
                extra = f", load {os.getloadavg()[0]:.1f}" + (f", killed: {seen.killed}" if kill else "")
                show(f"{engine}, {number} worker(s)", took, seen.peak, first, same, extra)
                assert same


if __name__ == "__main__":
    main()
