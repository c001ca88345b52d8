"""Data frames and CSV files, validated and converted by a schema."""
