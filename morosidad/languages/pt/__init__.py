"""The texts in Portuguese, a module for each part."""
