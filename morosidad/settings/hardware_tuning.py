"""Hardware tuning: settings derived from the CPUs and the memory."""

from __future__ import annotations

import math
from typing import Protocol


class Hardware(Protocol):
    """What a process may use: CPUs, a fraction where there is a quota, and bytes of memory."""

    @property
    def cpus(self) -> float:
        """CPUs."""
        ...

    @property
    def memory(self) -> int:
        """Bytes."""
        ...


def tune(hardware: Hardware) -> dict[str, int]:
    """Derive settings from the hardware.

    Parameters
    ----------
    hardware : Hardware
        What the process may use; a fraction of a CPU counts as one.

    Returns
    -------
    dict
        Values of ``max_workers_prediction``, ``cache_l1_size`` and ``cache_l2_size``.
    """
    gigabytes = hardware.memory / 2**30
    l1, l2 = (200, 1000) if gigabytes >= 8 else (100, 500) if gigabytes >= 4 else (50, 200)
    return {
        "max_workers_prediction": max(1, min(math.ceil(hardware.cpus), 8)),
        "cache_l1_size": l1,
        "cache_l2_size": l2,
    }
