"""Data frames and files as a schema reads them, column by column."""
