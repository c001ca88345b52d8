"""The content of a model file: compiled forms, originals and check rows."""
