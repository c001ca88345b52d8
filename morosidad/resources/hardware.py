"""Hardware limits: the CPUs and the memory that this process may use, inside a container too."""

from __future__ import annotations

import math
import os
from pathlib import Path

import msgspec

from morosidad.resources.cgroups import cpu_limit, memory_limit


class HardwareLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What this process may use.

    Attributes
    ----------
    cpus : float
        CPUs; a fraction where the container has a quota.
    memory : int
        Bytes.
    """

    cpus: float
    memory: int

    @property
    def workers(self) -> int:
        """Threads that the CPUs can feed: the CPUs rounded up, one at the least."""
        return max(1, math.ceil(self.cpus))


def hardware_limits(root: str | os.PathLike[str] = "/") -> HardwareLimits:
    """Return how many CPUs and how much memory this process may use.

    The lower of what the host has and what the control groups above the process allow.

    Parameters
    ----------
    root : path, default "/"
        The folder that holds ``proc`` and ``sys``.

    Returns
    -------
    HardwareLimits

    References
    ----------
    Linux kernel, "Control Group v2" (``cpu.max``, ``memory.max``) and "Control Groups version 1"
    (``cpu.cfs_quota_us``, ``memory.limit_in_bytes``).
    """
    import psutil

    cpus = float(len(allowed_cpus()))
    memory = int(psutil.virtual_memory().total)
    quota, bound = cpu_limit(Path(root)), memory_limit(Path(root))
    return HardwareLimits(
        cpus=cpus if quota is None else min(cpus, quota.limit),
        memory=memory if bound is None else min(memory, int(bound.limit)),
    )


def allowed_cpus() -> frozenset[int]:
    """Return the CPUs that the scheduler lets this process use."""
    import psutil

    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(psutil.cpu_count() or 1))
