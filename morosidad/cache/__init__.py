"""TieredCache, what may stand below it, and what it reports."""

from morosidad.cache.redis import RedisTier
from morosidad.cache.stats import CacheStats
from morosidad.cache.store import Store
from morosidad.cache.tiered import TieredCache

__all__ = ["CacheStats", "RedisTier", "Store", "TieredCache"]
