"""Runs the cases: each in a worker process with a time limit, loaded again in another one."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from conformance.case import Case

FAILURES = ("WRONG", "CRASH", "RAW", "UNLOADABLE", "BROKEN")
LIMIT = 300.0
"""Seconds that a case may take in each of its two processes."""
ROWS, ROWS_LONG = 40, 100
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")


@dataclass
class Result:
    """What became of a case.

    Attributes
    ----------
    case, group, subject : str
        As in `Case`.
    how : str
        ``compiled`` or ``falls back`` where there is a scorer.
    outcome : str
        ``compiled``, ``falls back``, ``refused``; ``WRONG``, ``CRASH``, ``RAW`` or ``UNLOADABLE``;
        ``BROKEN`` where the case itself can't be built, ``absent`` where its library is not installed.
    why : str
        One line.
    details : list of str
        The rest.
    seconds, cpu : float
        How long making the scorer took; how much processor time the whole case took.
    """

    case: str
    group: str
    subject: str
    outcome: str
    why: str = ""
    how: str = ""
    details: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0


class Died(Exception):
    """A worker ended, or took too long; the message says at what."""


class Worker:
    """A process that answers one question after the other, and is replaced when it ends."""

    def __init__(self, target: Callable[..., None]) -> None:
        self._target = target
        self._process: Any = None
        self._pipe: Any = None

    def ask(self, *question: Any, limit: float = LIMIT) -> Any:
        """Send a question and wait for its answer; steps on the way are told as texts."""
        if self._process is None:
            self._start()
        self._pipe.send(question)
        step, end = "starting", time.monotonic() + limit
        while True:
            if not self._pipe.poll(max(0.0, end - time.monotonic())):
                self.stop()
                raise Died(f"{step}: no end after {limit:.0f} s")
            try:
                kind, said = self._pipe.recv()
            except (EOFError, ConnectionResetError):
                self._process.join()
                code = self._process.exitcode
                self.stop()
                raise Died(f"{step}: the process ended with {code}") from None
            if kind == "answer":
                return said
            step, end = said, time.monotonic() + limit

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._target), daemon=True)
        with _one_thread_each():
            self._process.start()
        theirs.close()
        self._pipe.send(())
        if not self._pipe.poll(120.0):
            raise RuntimeError("a worker does not start")
        self._pipe.recv()

    def stop(self, *, at_once: bool = True) -> None:
        """End the process, or let it end by itself."""
        if self._process is not None:
            self._pipe.close()
            self._process.join(0.0 if at_once else 5.0)
            self._process.kill()
            self._process.join()
        self._process = None


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let libraries in processes that are started now use one thread."""
    old = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in old.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve(pipe: Any, target: Callable[..., Any]) -> None:
    """Answer questions until the pipe is closed; what libraries print is dropped."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the life of the process
    warnings.simplefilter("ignore")
    while True:
        try:
            question = pipe.recv()
        except EOFError:
            return
        if question == ():
            import conformance.judging  # noqa: F401 - so that its time is not the first case's

            pipe.send(("answer", (None, 0.0)))
            continue
        start = time.process_time()
        answer = target(lambda step: pipe.send(("step", step)), *question)
        pipe.send(("answer", (answer, time.process_time() - start)))


# -- in the workers --------------------------------------------------------------------------------


def make_and_ask(tell: Callable[[str], None], name: str, rows: int, folder: str, trial: bool) -> Result:
    """Build a case, make its scorer, compare every way of asking with the judge, and save it."""
    import numpy as np
    from conformance import cases
    from conformance.judging import ask_every_way, described, judge, scorer_for, with_records

    from morosidad import MorosidadError

    case = cases.find(name)
    result = Result(name, case.group, case.subject, "BROKEN")
    np.random.seed(0)  # noqa: NPY002 - for libraries that draw from it
    try:
        tell("building")
        built = case.build()
        judged = judge(case, built, rows, lambda: tell("judging"))
    except ImportError as error:
        result.outcome, result.why = "absent", str(error)
        return result
    except Exception as error:
        result.why = described(error)
        return result
    tell("making the scorer")
    start = time.perf_counter()
    try:
        scorer = scorer_for(case, built)
    except MorosidadError as error:
        result.outcome, result.why = "refused", f"{type(error).__name__}: {error}"
        return _expected(case, result)
    except Exception as error:
        own = type(error).__name__ in judged.errors
        result.outcome, result.why = "refused" if own else "RAW", described(error)
        return result
    result.seconds = time.perf_counter() - start
    result.how = result.outcome = "falls back" if "through" in repr(scorer) else "compiled"
    judged = with_records(judged, scorer.schema.names)
    tell("reading the plan")
    _try(result, lambda: _read_plan(scorer, result))
    tell("asking")
    _try(result, lambda: ask_every_way(scorer, judged))
    tell("saving")
    with nullcontext() if trial else _without_trial():
        _save(scorer, judged, Path(folder), result)
    return _expected(case, result)


def _read_plan(scorer: Any, result: Result) -> list[str]:
    """Note why nothing was compiled; a plan that can't be read is a fault."""
    from morosidad import MorosidadError

    try:
        result.why = "; ".join(scorer.plan.notes)
    except MorosidadError as error:
        return [f"plan: {type(error).__name__}: {error}"]
    return []


def _try(result: Result, ask: Callable[[], list[str]]) -> None:
    """Note what is wrong by the words that come back, and what comes raw."""
    from conformance.judging import Raw, described

    try:
        found, outcome = ask(), "WRONG"
    except Raw as error:
        found, outcome = [str(error)], "RAW"
    except Exception as error:
        found, outcome = [described(error)], "RAW"
    if found:
        result.details += found
        result.outcome = outcome if result.outcome != "RAW" else "RAW"


def _expected(case: Case, result: Result) -> Result:
    """Count a scorer that answers where it must refuse as wrong."""
    if case.expected == "refused" and result.how:
        result.outcome = "WRONG"
        result.details.insert(0, "answers, though it must be refused")
    return result


def _without_trial() -> Any:
    """Save without a process that tries the file: another one loads it in any case."""
    from unittest.mock import patch

    from morosidad.scoring import saving

    return patch.object(saving, "try_in_child", lambda *_: "")


def _save(scorer: Any, judged: Any, folder: Path, result: Result) -> None:
    from conformance.judging import described

    from morosidad import MorosidadError

    path = folder / "model.morosidad"
    for old in folder.iterdir():
        old.unlink()
    try:
        scorer.save(path)
    except MorosidadError as error:
        result.details.append(f"not saved: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    except Exception as error:
        result.outcome = "RAW"
        result.details.append(f"save: {described(error)}")
    else:
        (folder / "judged").write_bytes(pickle.dumps(judged))


def load_and_ask(tell: Callable[[str], None], folder: str) -> list[str]:
    """Load a saved scorer, and say where it answers otherwise than the judge."""
    from conformance.judging import ask_every_way, described

    from morosidad import MorosidadError, Scorer
    from morosidad.errors import ArtifactUntrusted

    path = Path(folder) / "model.morosidad"
    try:
        tell("loading")
        judged = pickle.loads((Path(folder) / "judged").read_bytes())
        try:
            scorer = Scorer.load(path)
        except ArtifactUntrusted as error:
            scorer = Scorer.load(path, trusted=error.types)
        tell("asking what was loaded")
        return ask_every_way(scorer, judged)
    except (MorosidadError, Exception) as error:
        return [f"load: {described(error)}"]


# -- in the process that runs them -----------------------------------------------------------------


def run_cases(
    cases: Sequence[Case],
    *,
    rows: int = ROWS,
    workers: int = 2,
    trial: bool = True,
    told: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Run cases on a few workers, and give their results in the order of the cases.

    Without `trial`, which costs a process for each file, that is left to the cases whose file does
    not load.
    """
    queue: SimpleQueue[Case] = SimpleQueue()
    for case in cases:
        queue.put(case)
    results: dict[str, Result] = {}

    def work() -> None:
        maker, loader = Worker(make_and_ask), Worker(load_and_ask)
        with tempfile.TemporaryDirectory() as folder:
            while True:
                try:
                    case = queue.get_nowait()
                except Empty:
                    break
                result = _run(case, (rows, folder, trial), maker, loader)
                if result.outcome in ("UNLOADABLE", "CRASH") and not trial:
                    result = _run(case, (rows, folder, True), maker, loader)
                results[case.name] = result
                told(results[case.name])
        maker.stop(at_once=False)
        loader.stop(at_once=False)

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()
    return [results[case.name] for case in cases]


def _run(case: Case, task: tuple[int, str, bool], maker: Worker, loader: Worker) -> Result:
    result: Result
    folder = task[1]
    for old in Path(folder).iterdir():
        old.unlink()
    try:
        result, cpu = maker.ask(case.name, *task)
        result.cpu = cpu
    except Died as error:
        outcome = "BROKEN" if str(error).startswith(("starting", "building", "judging")) else "CRASH"
        return Result(case.name, case.group, case.subject, outcome, str(error))
    if (Path(folder) / "judged").exists():
        try:
            problems, cpu = loader.ask(folder)
            result.cpu += cpu
        except Died as error:
            return Result(case.name, case.group, case.subject, "CRASH", str(error))
        new = [f"loaded: {problem}" for problem in problems if problem not in result.details]
        if new and result.outcome in ("compiled", "falls back"):
            result.outcome = "UNLOADABLE"
        result.details += new
    return result
