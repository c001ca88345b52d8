"""Statistics of a cache: hits, misses, evictions and sizes."""

from __future__ import annotations

import msgspec


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of a cache, consistent at one moment.

    Every look-up is one of ``l1_hits``, ``l2_hits``, ``stale_hits`` and ``misses``; every key that came in is
    still there (``entries``) or counted in ``evictions``, ``expiries`` or ``removals``.

    Attributes
    ----------
    l1_hits, l2_hits : int
        Look-ups that each tier answered.
    stale_hits : int
        Answers given past their deadline, while a caller renewed them.
    misses : int
        Look-ups that found nothing.
    waits : int
        Misses that waited for a computation another caller had begun.
    failures : int
        Computations that raised.
    promotions, demotions : int
        Entries that moved up to L1, and down to L2.
    insertions : int
        Keys that came in; writing over one that is there doesn't count.
    evictions : int
        Entries that left because the tiers were full.
    expiries : int
        Entries that left because their time was over.
    removals : int
        Entries deleted, invalidated or trimmed.
    entries : int
        Entries in memory.
    l1_size, l2_size : int
        What they measure, tier by tier.
    """

    l1_hits: int
    l2_hits: int
    stale_hits: int
    misses: int
    waits: int
    failures: int
    promotions: int
    demotions: int
    insertions: int
    evictions: int
    expiries: int
    removals: int
    entries: int
    l1_size: int
    l2_size: int

    @property
    def lookups(self) -> int:
        """How often the cache was asked."""
        return self.l1_hits + self.l2_hits + self.stale_hits + self.misses

    @property
    def hit_ratio(self) -> float | None:
        """Share of look-ups that were answered; ``None`` before the first."""
        return (self.lookups - self.misses) / self.lookups if self.lookups else None
