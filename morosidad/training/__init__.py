"""Training: candidate pipelines, their selection, synthetic data, and the shipped model."""
