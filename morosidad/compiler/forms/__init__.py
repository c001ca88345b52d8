"""The compiled classifiers: additive models, trees, calibrated models and mixtures."""
