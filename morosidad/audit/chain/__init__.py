"""A hash chain of JSON lines in append-only files, one for each process."""
