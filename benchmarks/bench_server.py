"""The server under load, beside an empty one and others: ``python benchmarks/bench_server.py``.

All figures of one table come from one run, in turns, so that the ratios hold on a noisy machine. It needs
``wrk``; a smoke run does without. Other servers are measured where ``--rival NAME=PYTHON`` names an
interpreter that has them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import psutil

from measuring import SMOKE, full, installed
from morosidad import Scorer, make_applicants
from morosidad.schema.ahorro_valle import AHORRO_VALLE
from morosidad.training.shipped import PATH, train_pipeline
from server_tools.client import p99s, post, quantiles

HERE = Path(__file__).parent
TOOLS = HERE / "server_tools"
PATHS = {"mlserver": "/v2/models/scoring/infer"}
PEOPLE = full(5000, 200)
STARTUP = 120.0

SCRIPT = """
local requests = {}
init = function(args)
  wrk.headers["Content-Type"] = "application/json"
  for line in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] = wrk.format("POST", nil, nil, line)
  end
end
local turn = 0
request = function() turn = turn % #requests + 1; return requests[turn] end
done = function(s, l, r)
  io.write(string.format('{"requests":%d,"seconds":%.6f,"failed":%d,"p50":%d,"p99":%d}\\n', s.requests,
    s.duration / 1e6, s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout,
    l:percentile(50), l:percentile(99)))
end
"""


class Round(NamedTuple):
    """One burst of requests: how many a second, seconds at two quantiles, processor time of each."""

    rate: float
    p50: float
    p99: float
    work: float
    failed: int


class Bench:
    """Starts servers, and asks them in turns.

    Parameters
    ----------
    folder : Path
        For bodies, scripts and logs.
    seconds : float
        Of one burst.
    rounds : int
        How often each is asked.
    """

    def __init__(self, folder: Path, seconds: float, rounds: int) -> None:
        self.folder = folder
        self.seconds = seconds
        self.rounds = rounds
        self.pipeline = folder / "pipeline.joblib"
        self.script = folder / "post.lua"
        self.script.write_text(SCRIPT)
        frame = make_applicants(PEOPLE, seed=7)[list(AHORRO_VALLE.names)]
        self.bodies = [
            json.dumps({"datos": {k: v for k, v in row.items() if v == v and v is not None}})
            for row in frame.to_dict("records")
        ]
        (folder / "bodies").write_text("\n".join(self.bodies))
        texts = [{"name": "x", "shape": [1], "datatype": "BYTES", "data": [body]} for body in self.bodies]
        (folder / "bodies-mlserver").write_text("\n".join(json.dumps({"inputs": [t]}) for t in texts))

    @contextmanager
    def serve(self, *command: str, **settings: Any) -> Iterator[Served]:
        """Run a server until the block ends."""
        port = _free_port()
        cwd = Path(tempfile.mkdtemp(dir=self.folder))
        given = {"RATE_LIMIT_ENABLED": "false", "SERVER_PORT": str(port), **settings}
        environment = {f"MOROSIDAD_{name}": str(value) for name, value in given.items()}
        with (cwd / "output").open("wb") as output:
            process = subprocess.Popen(
                [part.replace("{port}", str(port)) for part in command],
                cwd=cwd,
                env={**os.environ, "PYTHONPATH": str(HERE.parent), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Served(process, port)
        finally:
            process.terminate()
            process.wait(60)

    def ours(self, processes: int = 1, **settings: Any) -> Any:
        """Run ours as it comes, without the limit on requests."""
        return self.serve(sys.executable, "-m", "morosidad", "serve", SERVER_PROCESSES=processes, **settings)

    def rival(self, name: str, python: str = sys.executable) -> Any:
        """Run another server."""
        return self.serve(python, str(TOOLS / "rivals.py"), name, "{port}", str(self.pipeline))

    def burst(self, served: Served, name: str = "", connections: int = 16) -> Round:
        """Ask as fast as answers come, for a while."""
        if shutil.which("wrk") is None:
            return asyncio.run(self._burst_by_ourselves(served, connections))
        before = served.work()
        url = f"http://127.0.0.1:{served.port}{PATHS.get(name, '/predecir')}"
        bodies = "bodies-mlserver" if name == "mlserver" else "bodies"
        done = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{self.seconds:g}s", "-s", str(self.script), url],
            env={**os.environ, "BODIES": str(self.folder / bodies)},
            capture_output=True,
            text=True,
            check=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
        number = max(1, found["requests"])
        return Round(
            found["requests"] / found["seconds"],
            found["p50"] / 1e6,
            found["p99"] / 1e6,
            (served.work() - before) / number,
            found["failed"],
        )

    async def _burst_by_ourselves(self, served: Served, connections: int) -> Round:
        """Ask in Python, which is slower than what is asked: enough for a smoke run."""
        took: list[float] = []
        failed: list[bool] = []
        began = time.perf_counter()

        async def one() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            while (start := time.perf_counter()) < began + self.seconds or len(took) < 200:
                body = self.bodies[len(took) % len(self.bodies)].encode()
                status, _ = await post(reader, writer, "/predecir", body)
                took.append(time.perf_counter() - start)
                failed.append(status != 200)
            writer.close()

        before = served.work()
        await asyncio.gather(*(one() for _ in range(connections)))
        work = (served.work() - before) / len(took)
        return Round(len(took) / (time.perf_counter() - began), *quantiles(took), work, sum(failed))

    def in_turns(self, servers: dict[str, Served]) -> dict[str, Round]:
        """Ask each in turns; give the median of each figure, of the rounds after the first."""
        found: dict[str, list[Round]] = {name: [] for name in servers}
        for number in range(self.rounds + 1):
            for name, served in servers.items():
                done = self.burst(served, name)
                if number or SMOKE:
                    found[name].append(done)
        return {
            name: Round(*(statistics.median(column) for column in zip(*rounds, strict=True)))
            for name, rounds in found.items()
        }


class Served:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self._process = psutil.Process(process.pid)

    def work(self) -> float:
        """Seconds of processor time spent so far, all its processes together."""
        everybody = [self._process, *self._process.children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in everybody)

    def wait(self) -> Served:
        """Wait until it answers."""
        end = time.monotonic() + STARTUP
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
                time.sleep(1.0)
                return self
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)


def decisions(bench: Bench) -> None:
    """``POST /predecir`` beside an empty endpoint, and two processes beside one."""
    with bench.rival("empty") as empty, bench.ours() as one, bench.ours(2) as two:
        found = bench.in_turns({"empty": empty.wait(), "one": one.wait(), "two": two.wait()})
    head("× empty")
    for name, label in (("empty", "empty endpoint"), ("one", "ours"), ("two", "ours, 2 processes")):
        row(label, found[name], found[name].rate / found["empty"].rate)
    ratio, work = found["one"].rate / found["empty"].rate, found["empty"].work / found["one"].work
    print(f"\nours / empty: {ratio:.2f} in requests, {work:.2f} in processor time; "
          f"2 processes / 1: {found['two'].rate / found['one'].rate:.2f}")  # fmt: skip


def rivals(bench: Bench, named: dict[str, str]) -> None:
    """Others on the same model, beside ours."""
    joblib.dump(train_pipeline(), bench.pipeline)
    with ExitStack() as stack:
        servers = {"ours": stack.enter_context(bench.ours())}
        servers |= {name: stack.enter_context(bench.rival(name, python)) for name, python in named.items()}
        found = bench.in_turns({name: served.wait() for name, served in servers.items()})
    head("ours / it")
    for name, done in found.items():
        row(name, done, found["ours"].rate / done.rate)


def streams(bench: Bench, clients: int) -> None:
    """Many WebSocket clients, and what they cost the decisions, asked at half of what is possible."""
    with bench.ours(WEBSOCKET_CLIENTS=clients) as served:
        served.wait()
        top = bench.burst(served).rate
        without = p99s(served.port, bench.bodies, 0.3 * top)
        command = [sys.executable, str(TOOLS / "streams.py"), str(served.port), str(clients)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holding:
            assert holding.stdin is not None
            assert holding.stdout is not None
            holding.stdout.readline()  # all are connected
            beside = p99s(served.port, bench.bodies, 0.3 * top)
            told, _ = holding.communicate("\n")
    got = json.loads(told)
    print(f"\n{clients} WebSocket clients: {got['shortest']} to {got['longest']} messages each "
          f"in {got['seconds']:.1f} s, "
          f"largest gap {got['gap']:.2f} s; p99 of decisions {min(without) * 1e3:.2f} ms without, "
          f"{min(beside) * 1e3:.2f} ms with them")  # fmt: skip


def reloads(bench: Bench, times: int) -> None:
    """Reload every second under load; each answer must be of the model that it names."""
    frame = make_applicants(800, seed=9)
    X, y = frame[list(AHORRO_VALLE.names)], frame[AHORRO_VALLE.target]
    other = bench.folder / "other"
    Scorer.train(X, y, schema=AHORRO_VALLE, name="ahorro-valle-sintetico", version="2").save(other)
    models = [PATH, other]
    bodies = [body.encode() for body in bench.bodies[:500]]
    expected = {}
    for path in models:
        scorer = Scorer.load(path)
        for body in bodies:
            probability = scorer.score_one(json.loads(body)["datos"]).probability
            expected[scorer.model, body] = probability
    served_file = bench.folder / "served"
    shutil.copy(models[0], served_file)
    with bench.ours(SERVER_MODEL=str(served_file)) as served:
        served.wait()
        answers, failed, mixed = asyncio.run(
            _reload(served.port, bodies, expected, models, served_file, times)
        )
    print(f"\n{times} reloads in {times} s: {answers} answers, {failed} failed, {mixed} mixed")


async def _reload(
    port: int, bodies: list[bytes], expected: dict[Any, float], models: list[Path], file: Path, times: int
) -> tuple[int, int, int]:
    counts = {"answers": 0, "failed": 0, "mixed": 0}
    over = asyncio.Event()

    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        turn = number
        while not over.is_set():
            body = bodies[turn % len(bodies)]
            turn += 1
            status, answer = await post(reader, writer, "/predecir", body)
            counts["answers"] += 1
            counts["failed"] += status != 200
            if status == 200:
                wanted = expected[answer["modelo"], body]
                counts["mixed"] += answer["probabilidades"][1] != wanted
        writer.close()

    asking = [asyncio.create_task(ask(number)) for number in range(16)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(times):
        due = time.monotonic() + 1.0
        shutil.copy(models[(number + 1) % 2], file.with_name("next"))
        file.with_name("next").replace(file)
        status, _ = await post(reader, writer, "/admin/recargar", b"")
        counts["failed"] += status != 200
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    over.set()
    await asyncio.gather(*asking)
    return counts["answers"], counts["failed"], counts["mixed"]


def head(ratio: str) -> None:
    print(f"\n| server | requests/s | p50 ms | p99 ms | processor µs each | failed | {ratio} |")
    print("|---|---|---|---|---|---|---|")


def row(label: str, done: Round, ratio: float) -> None:
    print(f"| {label} | {done.rate:,.0f} | {done.p50 * 1e3:.2f} | {done.p99 * 1e3:.2f} "
          f"| {done.work * 1e6:.1f} | {done.failed} | {ratio:.{0 if ratio > 20 else 2}f} |")  # fmt: skip


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["decisions", "rivals", "streams", "reloads"])
    parser.add_argument("--rival", action="append", default=[], help="NAME=PYTHON")
    parser.add_argument("--seconds", type=float, default=full(4.0, 0.3))
    parser.add_argument("--rounds", type=int, default=full(5, 0))
    parser.add_argument("--smoke", action="store_true", help="one short round, whose figures mean nothing")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        if not SMOKE:
            parser.error("wrk is not installed")
        print("left out: wrk is not installed; a client in Python asks instead")
    named = {"fastapi": sys.executable} if installed("fastapi") else {}
    named |= dict(one.split("=", 1) for one in given.rival)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.seconds, given.rounds)
        if "decisions" in given.parts:
            decisions(bench)
        if "rivals" in given.parts:
            rivals(bench, named)
        if "streams" in given.parts:
            streams(bench, full(1000, 10))
        if "reloads" in given.parts:
            reloads(bench, full(30, 2))
    print(f"\nload {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
