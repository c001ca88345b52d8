"""What a recovery policy costs around a call that succeeds, beside tenacity and stamina.

``python benchmarks/bench_recovery.py`` prints the table of ratios;
``pytest benchmarks/bench_recovery.py`` keeps watch over our own figures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from measuring import full, installed
from morosidad.errors import Escalated
from morosidad.recovery import RecoveryPolicy

ROUNDS = full(15, 1)
SECONDS_PER_ROUND = full(0.02, 0.002)
CALLS = full(1000, 20)
TENACITY, STAMINA = installed("tenacity"), installed("stamina")
RECORD = {"edad": 41, "ingreso_mensual": 850.0, "deuda_actual": 1200.0}


def score(record: dict[str, Any]) -> float:
    return 0.5


async def ascore(record: dict[str, Any]) -> float:
    return 0.5


def broken(record: dict[str, Any]) -> float:
    raise RuntimeError


def open_policy() -> RecoveryPolicy:
    policy = RecoveryPolicy(hooks=(), reset_after=3600.0)
    with suppress(Escalated):
        policy.call(broken, RECORD)
    return policy


def refused(policy: RecoveryPolicy) -> None:
    with suppress(Escalated):
        policy.call(score, RECORD)


def fails_once(policy: RecoveryPolicy) -> float:
    failures = [RuntimeError]

    def flaky(record: dict[str, Any]) -> float:
        if failures:
            raise failures.pop()
        return 0.5

    return policy.call(flaky, RECORD)


def retried(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """Decorate a function with each rival that is installed."""
    found: dict[str, Callable[..., Any]] = {}
    if TENACITY:
        import tenacity

        found["@tenacity.retry"] = tenacity.retry(stop=tenacity.stop_after_attempt(3))(function)
    if STAMINA:
        import stamina

        found["@stamina.retry"] = stamina.retry(on=Exception, attempts=3)(function)
    return found


def contenders() -> dict[str, Callable[[], object]]:
    policy = RecoveryPolicy(hooks=())
    decorated = policy(score)
    return {
        "the function alone": lambda: score(RECORD),
        "policy.call": lambda: policy.call(score, RECORD),
        "@policy": lambda: decorated(RECORD),
        **{name: (lambda call=call: call(RECORD)) for name, call in retried(score).items()},
    }


def off_the_way() -> dict[str, Callable[[], object]]:
    guarded, shut = RecoveryPolicy(attempt_timeout=5.0, hooks=()), open_policy()
    often = RecoveryPolicy(hooks=(), retry_budget=10**9)
    return {
        "policy.call on a thread of its own": lambda: guarded.call(score, RECORD),
        "policy.call while open (refused)": lambda: refused(shut),
        "policy.call, one failure, recovered": lambda: fails_once(often),
    }


def async_contenders() -> dict[str, Callable[[], Awaitable[object]]]:
    policy = RecoveryPolicy(hooks=())

    async def bounded() -> float:
        async with asyncio.timeout(8.0):
            return await ascore(RECORD)

    return {
        "asyncio.timeout alone": bounded,
        "policy.acall": lambda: policy.acall(ascore, RECORD),
        **{f"{name}, async": (lambda call=call: call(RECORD)) for name, call in retried(ascore).items()},
    }


def best_of(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return seconds per call of each: the best of several rounds, taken in turns."""
    best = dict.fromkeys(calls, float("inf"))
    repeats = {}
    for name, call in calls.items():
        call()
        start = time.perf_counter()
        call()
        repeats[name] = max(20, int(SECONDS_PER_ROUND / (time.perf_counter() - start)))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            rounds = range(repeats[name])
            start = time.perf_counter()
            for _ in rounds:
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / len(rounds))
    return best


async def abest_of(calls: dict[str, Callable[[], Awaitable[object]]]) -> dict[str, float]:
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(CALLS):
                await call()
            best[name] = min(best[name], (time.perf_counter() - start) / CALLS)
    return best


def table(title: str, best: dict[str, float], ours: str, others: tuple[str, ...]) -> None:
    print(f"\n{title}")
    for name, seconds in best.items():
        print(f"  {name:<38}{seconds * 1e6:>10.3f} µs")
    for other in filter(best.__contains__, others):
        print(f"  {ours} / {other}: {best[ours] / best[other]:.3f}")


def main() -> None:
    calls = best_of(contenders())
    table("around a call that succeeds", calls, "policy.call", ("@tenacity.retry", "@stamina.retry"))
    print(f"  added by policy.call: {(calls['policy.call'] - calls['the function alone']) * 1e6:.3f} µs")
    acalls = asyncio.run(abest_of(async_contenders()))
    rivals = ("asyncio.timeout alone", "@tenacity.retry, async", "@stamina.retry, async")
    table("around a coroutine that succeeds", acalls, "policy.acall", rivals)
    table("when all is not well", best_of(off_the_way()), "", ())


def test_call(benchmark: Any) -> None:
    benchmark(contenders()["policy.call"])


def test_decorated(benchmark: Any) -> None:
    benchmark(contenders()["@policy"])


def test_refused(benchmark: Any) -> None:
    benchmark(off_the_way()["policy.call while open (refused)"])


if __name__ == "__main__":
    main()
