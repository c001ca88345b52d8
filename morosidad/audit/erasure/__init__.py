"""Erasure of logged values: each decision's are encrypted with a key of its own, which can be destroyed."""
