"""Admission of requests: who asks, how often, how large, and whether the event loop has time for it."""
