"""Helpers of the tests of the tiers: counts and content."""

from __future__ import annotations

from typing import Any

from morosidad.cache import TieredCache


def tiers(cache: TieredCache[Any, Any]) -> tuple[list[Any], list[Any]]:
    """The keys in L1 and in L2."""
    inside = cache._tiers
    return [e.key for e in inside.l1], [e.key for e in (*inside.unproven, *inside.proven)]
