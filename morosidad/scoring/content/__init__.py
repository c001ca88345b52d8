"""What a model file holds besides plain facts: check rows, and originals that are not compiled."""
