"""The backends: Python source for one record, numpy for many, machine code where numba is installed."""
