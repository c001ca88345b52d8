"""The decision log: what `append` costs, beside other ways to log a decision.

``python benchmarks/bench_audit.py`` prints the table; ``pytest benchmarks/bench_audit.py`` measures
for regressions.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from measuring import full
from morosidad.audit import AuditContext, AuditLog, read, verify

FIELDS = tuple(f"campo_{i}" for i in range(20))
VALUES = (*(1000.5 + i for i in range(14)), *("comerciante" for _ in range(6)))
CONTEXT = AuditContext(
    model="riesgo",
    version="3",
    digest="ab" * 32,
    schema="1",
    policy="1",
    cutoffs={"revisar": 0.2, "rechazar": 0.5},
    fields=FIELDS,
)


class Reason(msgspec.Struct, frozen=True):
    field: str
    code: str
    text: str
    contribution: float


class Decision(msgspec.Struct, frozen=True):
    probability: float = 0.25
    probabilities: tuple[float, ...] = (0.75, 0.25)
    label: int = 0
    confidence: float = 0.75
    outcome: str = "revisar"
    reasons: tuple[Reason, ...] = (Reason("campo_1", "R01", "Deuda actual alta", 0.42),) * 4
    warnings: tuple[str, ...] = ()
    cached: str | None = None
    degraded: bool = False
    request_id: str | None = "5f2c1e"


DECISION = Decision()

Way = tuple[Callable[[], object], Callable[[], object]]  # log one decision; wait until all are in the file


def as_json(decision: Decision) -> str:
    values = dict(zip(FIELDS, VALUES, strict=True))
    return json.dumps({"valores": values, **msgspec.to_builtins(decision)})


@contextlib.contextmanager
def audit(path: Path, **options: Any) -> Iterator[Way]:
    with AuditLog(path, **options) as log:
        record = log.bind(CONTEXT)
        yield lambda: record(DECISION, VALUES, 0.00002), log.flush


def audit_at_rest(path: Path) -> AbstractContextManager[Way]:
    """A log whose writer writes only when it is told to."""
    return audit(path, buffer_size=10_000, flush_interval=3600.0)


@contextlib.contextmanager
def thread_per_line(path: Path) -> Iterator[Way]:
    """The way of the source document: one thread for each line."""
    with path.open("a") as file:
        threads: list[threading.Thread] = []

        def append() -> None:
            threads.append(threading.Thread(target=lambda: file.write(as_json(DECISION) + "\n")))
            threads[-1].start()

        def flush() -> None:
            for thread in threads:
                thread.join()
            threads.clear()
            file.flush()

        yield append, flush


@contextlib.contextmanager
def file_handler(path: Path) -> Iterator[Way]:
    """The standard library's logging, which writes in the caller's thread."""
    handler = logging.FileHandler(path)
    logger = logging.Logger("decisions")
    logger.addHandler(handler)
    yield lambda: logger.info(as_json(DECISION)), handler.flush
    handler.close()


class EncodingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return as_json(record.msg)  # type: ignore[arg-type]


class RawQueueHandler(logging.handlers.QueueHandler):
    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


@contextlib.contextmanager
def queue_handler(path: Path) -> Iterator[Way]:
    """The standard library's logging by way of a queue, encoded in the listener's thread."""
    waiting: queue.Queue[Any] = queue.Queue()
    handler = logging.FileHandler(path)
    handler.setFormatter(EncodingFormatter())
    listener = logging.handlers.QueueListener(waiting, handler)
    listener.start()
    logger = logging.Logger("decisions")
    logger.addHandler(RawQueueHandler(waiting))
    yield lambda: logger.info(DECISION), waiting.join
    listener.stop()
    handler.close()


WAYS: dict[str, Callable[[Path], AbstractContextManager[Way]]] = {
    "AuditLog.append": audit_at_rest,
    "logging, QueueHandler": queue_handler,
    "logging, FileHandler": file_handler,
    "a thread per line (document)": thread_per_line,
}


def caller_cost(way: str, rounds: int = full(40, 1), burst: int = 90) -> float:
    """Median microseconds that the caller spends, in bursts, with the file caught up in between."""
    costs = []
    with tempfile.TemporaryDirectory() as folder, WAYS[way](Path(folder) / "d.jsonl") as (append, flush):
        for _ in range(rounds):
            for _ in range(burst):
                start = time.perf_counter_ns()
                append()
                costs.append(time.perf_counter_ns() - start)
            flush()
    return statistics.median(costs) / 1000


def whole_cost(way: str, count: int = full(5000, 100)) -> float:
    """Microseconds per decision until all lines are in the file."""
    with tempfile.TemporaryDirectory() as folder, WAYS[way](Path(folder) / "d.jsonl") as (append, flush):
        append()
        flush()
        start = time.perf_counter()
        for _ in range(count):
            append()
        flush()
        return (time.perf_counter() - start) / count * 1e6


def eight_threads(count: int, *, durable: bool) -> tuple[float, float, float]:
    """Lines a second written from 8 threads, verified, and read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.jsonl"
        log = AuditLog(path, queue_size=count, durable=durable, timeout=60)
        record = log.bind(CONTEXT)
        barrier = threading.Barrier(9)

        def work() -> None:
            barrier.wait()
            for _ in range(count // 8):
                assert record(DECISION, VALUES, 0.00002)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        barrier.wait()
        start = time.perf_counter()
        for thread in threads:
            thread.join()
        log.close()
        written = time.perf_counter()
        report = verify(path)
        verified = time.perf_counter()
        assert (report.ok, report.decisions, report.lost) == (True, count, 0)
        assert sum(1 for _ in read(path)) == count
        end = time.perf_counter()
        return count / (written - start), count / (verified - written), count / (end - verified)


def test_append(benchmark: Any, tmp_path: Path) -> None:
    with audit(tmp_path / "d.jsonl", queue_size=10**6) as (append, _):
        benchmark(append)


def test_write_100_lines(benchmark: Any, tmp_path: Path) -> None:
    with audit_at_rest(tmp_path / "d.jsonl") as (append, flush):

        def write() -> None:
            for _ in range(100):
                append()
            flush()

        benchmark(write)


def test_durable_append(benchmark: Any, tmp_path: Path) -> None:
    with audit(tmp_path / "d.jsonl", durable=True, timeout=60) as (append, _):
        benchmark(append)


def test_verify_1000_lines(benchmark: Any, tmp_path: Path) -> None:
    with audit_at_rest(tmp_path / "d.jsonl") as (append, flush):
        for _ in range(1000):
            append()
        flush()
        assert benchmark(verify, tmp_path / "d.jsonl").ok


def main() -> None:
    print(f"{'way':30}{'caller, µs':>12}{'ratio':>8}{'to the file, µs':>18}{'ratio':>8}")
    costs = {way: (caller_cost(way), whole_cost(way)) for way in WAYS}
    first = costs["AuditLog.append"]
    for way, (caller, whole) in costs.items():
        print(f"{way:30}{caller:12.2f}{caller / first[0]:8.1f}{whole:18.2f}{whole / first[1]:8.1f}")
    for durable, count in [(False, full(100_000, 800)), (True, full(4_000, 80))]:
        written, verified, again = eight_threads(count, durable=durable)
        print(
            f"{count} decisions from 8 threads, durable={durable}: all present, chain valid; "
            f"{written:,.0f}/s written, {verified:,.0f}/s verified, {again:,.0f}/s read"
        )


if __name__ == "__main__":
    main()
