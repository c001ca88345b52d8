"""Helpers of the tests of worker pools: a gate that holds tasks."""

from __future__ import annotations

import threading
from typing import Any

from morosidad.workers import WorkerPool
from morosidad.workers.tasks import Task
from support import LONG


class Gate:
    """A call that says when it has begun, and ends when it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, value: Any = None) -> Any:
        self.entered.set()
        assert self.opened.wait(LONG)
        return value


def held(pool: WorkerPool, gate: Gate, **options: Any) -> Task[Any]:
    """Submit the gate and wait until it runs."""
    task = pool.submit(gate, **options)
    assert gate.entered.wait(LONG)
    return task


def threads(pool: WorkerPool) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"{pool.name}-")]
