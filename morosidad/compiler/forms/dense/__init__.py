"""Classifiers made of dense steps: networks, quadratic forms, kernels."""
