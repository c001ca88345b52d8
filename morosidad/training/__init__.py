"""Training for those who bring data and no pipeline, synthetic data, and the model that is shipped."""
