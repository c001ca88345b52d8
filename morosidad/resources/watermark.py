"""A high-water mark with hysteresis, for memory and for CPU."""

from __future__ import annotations

import logging
from collections.abc import Callable

from morosidad.resources.reader import ResourceSample

_logger = logging.getLogger("morosidad.resources.monitor")

ResourceCallback = Callable[[ResourceSample], object]


class Watermark:
    """A share of use that is high once it stays above its limit, and normal once it stays below the margin.

    `ResourceMonitor` describes the parameters.
    """

    def __init__(
        self,
        name: str,
        limit: float,
        margin: float,
        sustain: float,
        repeat: float,
        on_high: ResourceCallback | None,
        on_normal: ResourceCallback | None,
    ) -> None:
        if not 0 <= margin < limit <= 100:
            raise ValueError(f"limit: at most 100 and above the margin, not {limit}")
        self.name = name
        self.limit = limit
        self.margin = margin
        self.sustain = sustain
        self.repeat = repeat
        self.on_high = on_high
        self.on_normal = on_normal
        self.high: bool = False
        self._crossed: float | None = None
        self._called = 0.0

    def update(self, percent: float | None, now: float) -> ResourceCallback | None:
        """Take a measurement; return the callback that is due."""
        if percent is None:
            return None
        crosses = percent < self.limit - self.margin if self.high else percent > self.limit
        if not crosses:
            self._crossed = None
            if self.high and percent > self.limit and now - self._called >= self.repeat:
                self._called = now
                return self.on_high
            return None
        if self._crossed is None:
            self._crossed = now
        if now - self._crossed < self.sustain:
            return None
        self.high, self._crossed, self._called = not self.high, None, now
        _logger.warning("%s %s: %.0f %%", self.name, "high" if self.high else "normal", percent)
        return self.on_high if self.high else self.on_normal

    def reset(self) -> ResourceCallback | None:
        """Reset to normal; return the callback that undoes the last one."""
        callback = self.on_normal if self.high else None
        self.high, self._crossed = False, None
        return callback
