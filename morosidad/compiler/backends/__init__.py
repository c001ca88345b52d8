"""How nodes run: as Python source for one record, with numpy for many, with numba where installed."""
