"""Helpers of the tests of micro-batching: a model that holds its predictions."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from morosidad.workers.microbatch import MicroBatcher
from morosidad.workers.tasks import Task
from support import LONG


class Model:
    """Negates its records; can be held at the start of a call; remembers its calls."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.entered = threading.Semaphore(0)
        self.allowed = threading.Semaphore(0)
        self.held = False

    def __call__(self, records: list[Any]) -> Sequence[Any]:
        self.calls.append(records)
        self.entered.release()
        if self.held:
            assert self.allowed.acquire(timeout=LONG)
        return [-record for record in records]


def hold(batcher: MicroBatcher[Any, Any], model: Model, record: Any = 0, **options: Any) -> Task[Any]:
    """Have the model hang on a record."""
    model.held = True
    task = batcher.submit(record, **options)
    assert model.entered.acquire(timeout=LONG)
    return task


class Wait:
    """A clock that tells when the batcher's thread looks how long it is to wait."""

    def __init__(self) -> None:
        self.looked = threading.Event()

    def __call__(self) -> float:
        if threading.current_thread().name.startswith("lote"):
            self.looked.set()
        return time.monotonic()
