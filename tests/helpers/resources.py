"""Helpers of the tests of resources."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

from morosidad.resources import (
    ResourceMonitor,
    ResourceSample,
)

GB = 1 << 30

Memory = namedtuple("Memory", "total available")
Cpu = namedtuple("Cpu", "user idle iowait guest guest_nice")


def sample(memory: float = 50.0, cpu: float | None = 50.0) -> ResourceSample:
    return ResourceSample(memory_used=int(memory), memory_limit=100, memory_percent=memory, cpu_percent=cpu)


class Host:
    """A made-up host: 8 GB, of which 2 are in use, and four CPUs with clocks that tests move."""

    def __init__(self) -> None:
        self.memory = Memory(8 * GB, 6 * GB)
        self.cpus = [Cpu(10.0, 90.0, 0.0, 0.0, 0.0) for _ in range(4)]
        self.allowed = {0, 1, 2, 3}

    def work(self, busy: float, idle: float, *, waiting: float = 0.0, only: int | None = None) -> None:
        for number, cpu in enumerate(self.cpus):
            if only in (None, number):
                self.cpus[number] = Cpu(
                    cpu.user + busy,
                    cpu.idle + idle,
                    cpu.iowait + waiting,
                    cpu.guest + busy / 2,
                    cpu.guest_nice,
                )


# -- the monitor -----------------------------------------------------------------------------------------


class Watcher:
    """A monitor on made-up samples, and the names of the calls that it made."""

    def __init__(self, clock: Any, **options: Any) -> None:
        self.calls: list[str] = []
        self.clock = clock
        self.now = sample()
        names = ("on_memory_high", "on_memory_normal", "on_cpu_high", "on_cpu_normal", "on_cleanup")
        hooks = {name: self.hook(name.removeprefix("on_")) for name in names}
        self.monitor = ResourceMonitor(read=lambda: self.now, clock=clock, **(hooks | options))

    def hook(self, name: str) -> Callable[[ResourceSample], None]:
        return lambda _: self.calls.append(name)

    def see(self, *, memory: float = 50.0, cpu: float | None = 50.0, seconds: float = 1.0) -> list[str]:
        self.now = sample(memory, cpu)
        self.clock.advance(seconds)
        self.calls.clear()
        self.monitor.poll()
        return list(self.calls)
