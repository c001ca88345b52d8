"""Files of applicants: read and written by their ending, whole or in chunks."""
