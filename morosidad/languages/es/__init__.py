"""The texts in Spanish, a module for each part."""
