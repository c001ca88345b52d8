"""Whole programs with processes: gunicorn that preloads, and multiprocessing of both kinds."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from morosidad.audit import find_logs, read, verify

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

RECORD = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
LIMIT = 120.0

APPLICATION = """
import gc
import threading
import time
from pathlib import Path

from morosidad import AuditLog, KPITracker, RecoveryPolicy, Scorer, TieredCache
from morosidad.asgi import create_app
from morosidad.settings import Settings

here = Path(__file__).parent
scorer = Scorer.default(
    cache=TieredCache(50, 50, 60), kpis=KPITracker(shared=here / "k"), recovery=RecoveryPolicy(),
    audit=AuditLog(here / "d.jsonl", flush_interval=0.01, values="none"),
)
application = create_app(scorer, Settings(rate_limit_enabled=False))


def busy():  # in the master, while its workers are forked
    while True:
        scorer.score_one({"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36})


for _ in range(3):
    threading.Thread(target=busy, daemon=True).start()
"""


def ask(port: int, number: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    body = json.dumps({"datos": RECORD})
    headers = {"Content-Type": "application/json", "X-Request-ID": f"asked-{number}"}
    connection.request("POST", "/predecir", body, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def port_of(output: Path, process: subprocess.Popen[Any]) -> int:
    """Wait until gunicorn says where it listens."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", output.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(output.read_text())


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONWARNINGS": "ignore"}


def test_gunicorn_with_preload_serves_from_workers_that_it_forks(tmp_path):
    pytest.importorskip("gunicorn", reason="gunicorn is not installed")
    pytest.importorskip("uvicorn_worker", reason="uvicorn-worker is not installed")
    (tmp_path / "served.py").write_text(APPLICATION)
    output = tmp_path / "output.txt"
    command = ["-m", "gunicorn", "served:application", "--preload", "--workers", "2", "--bind", "127.0.0.1:0"]
    command += ["--worker-class", "uvicorn_worker.UvicornWorker", "--timeout", str(int(LIMIT))]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=tmp_path, env=environment(), stdout=file, stderr=file
        )
    try:
        port = port_of(output, process)
        assert [ask(port, number) for number in range(40)] == [200] * 40
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(LIMIT)
    assert code == 0, output.read_text()
    logs = find_logs(tmp_path / "d.jsonl")
    assert all(verify(log).ok for log in logs)
    asked = [line.request_id for line in read(logs) if (line.request_id or "").startswith("asked-")]
    assert sorted(asked) == sorted(f"asked-{number}" for number in range(40))


POOL = """
import multiprocessing
import sys
import threading
from pathlib import Path

from morosidad import AuditLog, KPITracker, RecoveryPolicy, Scorer, TieredCache
from morosidad.audit import find_logs, read, verify

HERE = Path(sys.argv[1])
RECORD = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}


def make_parts():
    return {
        "cache": TieredCache(50, 50, 60),
        "kpis": KPITracker(shared=HERE / "k"),
        "recovery": RecoveryPolicy(),
        "audit": AuditLog(HERE / "d.jsonl", values="none", usage=lambda: (None, None)),
    }


def decide(given):
    scorer, number = given
    assert all(scorer.parts[name] is not None for name in ("cache", "kpis", "recovery", "audit"))
    return scorer.score_one({**RECORD, "edad": 20 + number}, request_id=f"n-{number}").probability


def main():
    scorer = Scorer.default(parts=make_parts)
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            scorer.score_one(RECORD)

    thread = threading.Thread(target=busy)
    thread.start()
    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
        found = pool.map(decide, [(scorer, number) for number in range(20)])
        pool.close()
        pool.join()
    stop.set()
    thread.join()
    scorer.parts["audit"].close()
    assert found == [decide_alone(scorer, number) for number in range(20)]
    logs = find_logs(HERE / "d.jsonl")
    assert all(verify(log).ok for log in logs)
    logged = sorted(line.request_id for line in read(logs) if line.request_id)
    assert logged == sorted(f"n-{number}" for number in range(20)), logged
    print(len(logs))


def decide_alone(scorer, number):
    alone = scorer.with_parts(cache=None, kpis=None, recovery=None, audit=None)
    return alone.score_one({**RECORD, "edad": 20 + number}).probability


if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("kind", ["fork", "spawn", "forkserver"])
def test_multiprocessing_runs_a_scorer_with_all_its_parts(tmp_path, kind):
    (tmp_path / "program.py").write_text(textwrap.dedent(POOL))
    done = subprocess.run(
        [sys.executable, "program.py", str(tmp_path), kind],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 2
