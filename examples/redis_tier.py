"""Share decisions among processes: a second cache tier in Redis, which may die and come back.

It needs ``pip install 'morosidad[redis]'``.
Run it: ``python examples/redis_tier.py``. It starts a redis-server of its own, if there is one.
"""

import shutil
import socket
import subprocess
import tempfile
import time

import redis

from morosidad import Decision, Scorer, TieredCache
from morosidad.cache import RedisTier

APPLICANT = {"edad": 41, "ingresos": 2_400_000, "monto_credito": 6_000_000, "plazo_meses": 36}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(program: str, port: int, folder: str) -> subprocess.Popen[bytes]:
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    server = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    with redis.Redis(port=port, retry=None) as client:
        while server.poll() is None:
            try:
                client.ping()
                return server
            except redis.ConnectionError:
                time.sleep(0.01)
    raise RuntimeError("redis-server did not start")


def scorer_of_a_process(port: int) -> tuple[Scorer, TieredCache]:
    """What each process makes for itself: a first tier of its own, the second one shared."""
    tier = RedisTier.from_url(f"redis://127.0.0.1:{port}/0", type=Decision, timeout=0.2, cooldown=0.01)
    cache = TieredCache(l1=1000, l2=tier, ttl=300)
    return Scorer.default(cache=cache), cache


def main() -> None:
    program = shutil.which("redis-server")
    if program is None:
        print("there is no redis-server on this machine: nothing to show")
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = start(program, port, folder)
        try:
            here, _ = scorer_of_a_process(port)
            there, cache = scorer_of_a_process(port)
            first, again = here.score_one(APPLICANT), there.score_one(APPLICANT)
            print("the other process:", again.cached, cache.stats().l2_hits, "answer from Redis")
            assert (first.cached, again.cached) == (None, "acierto")
            assert again.probability == first.probability

            server.kill()
            server.wait()
            other = there.score_one({**APPLICANT, "edad": 42})  # costs one time-out, and no error
            print("without Redis:", other.outcome)
            assert other.cached is None

            server = start(program, port, folder)
            time.sleep(0.05)  # longer than the cooldown
            there.score_one({**APPLICANT, "edad": 43})
            assert here.score_one({**APPLICANT, "edad": 43}).cached == "acierto"
            print("Redis is back, and is used again")
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
