"""The groups of methods that a scorer is made of."""
