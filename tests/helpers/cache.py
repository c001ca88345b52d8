"""Helpers of the tests of the cache: a computation that waits until it is let go on."""

from __future__ import annotations

import threading
from typing import Any

from support import LONG


class Gate:
    """A computation that says when it begins and waits until it may end."""

    def __init__(self, result: Any = "computed") -> None:
        self.result = result
        self.begun = threading.Event()
        self.open = threading.Event()
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        self.begun.set()
        assert self.open.wait(LONG)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result
