"""Erasure: each decision's values under a key of its own, which can be destroyed; old files taken away."""
