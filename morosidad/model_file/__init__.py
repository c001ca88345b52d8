"""Model files: reading, writing and signing them, and importing joblib files."""
