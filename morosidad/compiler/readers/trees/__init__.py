"""Readers of tree models, one module for each library."""
