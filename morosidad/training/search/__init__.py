"""The search for a model: folds, candidates cross-validated side by side, figures, the choice."""
