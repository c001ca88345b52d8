"""Proofs that a compiled model's score moves in one direction with a field, and counterexamples."""
