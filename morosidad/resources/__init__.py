"""Hardware limits, monitoring of memory and CPU, and load shedding."""

from morosidad.resources.hardware import HardwareLimits, hardware_limits
from morosidad.resources.monitor import ResourceMonitor
from morosidad.resources.reader import ResourceReader, ResourceSample
from morosidad.resources.shedding import LoadShedder

__all__ = [
    "HardwareLimits",
    "LoadShedder",
    "ResourceMonitor",
    "ResourceReader",
    "ResourceSample",
    "hardware_limits",
]
