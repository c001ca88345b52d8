"""Whole classifiers: what a compiled model is, by how its probability is made."""
