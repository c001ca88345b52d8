"""Monitoring of a model in use: population drift."""
