"""Model files: reading, writing, signing, and the import of joblib files."""
