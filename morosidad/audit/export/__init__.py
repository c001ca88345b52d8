"""Logs as data frames and as files of tables."""
