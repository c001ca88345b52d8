"""A two-tier cache (TieredCache), its Redis tier, the store protocol and its statistics."""

from morosidad.cache.redis import RedisTier
from morosidad.cache.stats import CacheStats
from morosidad.cache.store import Store
from morosidad.cache.tiered import TieredCache

__all__ = ["CacheStats", "RedisTier", "Store", "TieredCache"]
