"""Cut-offs chosen from labelled rows."""
