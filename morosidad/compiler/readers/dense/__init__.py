"""Readers of dense steps: projections, kernels, polynomials, networks, quadratic discriminants."""
