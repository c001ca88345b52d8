"""Symbolic columns, frames and arrays, and what can be done to them."""
