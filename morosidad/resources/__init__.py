"""What this process may use of the machine, what it does use, and what gives way when that is too much."""

from morosidad.resources.monitor import (
    HardwareLimits,
    ResourceMonitor,
    ResourceReader,
    ResourceSample,
    hardware_limits,
)
from morosidad.resources.shedding import LoadShedder

__all__ = [
    "HardwareLimits",
    "LoadShedder",
    "ResourceMonitor",
    "ResourceReader",
    "ResourceSample",
    "hardware_limits",
]
