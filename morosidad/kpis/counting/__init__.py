"""Counts in a sliding window, in memory that threads and processes may share."""
