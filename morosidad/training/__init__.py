"""Training: a model from data, the evidence for it, synthetic data, and the shipped model."""
