"""Candidates: the pipelines that are tried, what they are made of, and the mean of two of them."""
