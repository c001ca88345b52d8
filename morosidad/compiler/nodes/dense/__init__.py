"""Functions of several numbers that give several numbers: matrix products, kernels, norms, products."""
