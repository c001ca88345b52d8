"""Readers of encoders that are asked, value by value, what they make of each column."""
