"""Points of a model: its scorecard where it is a sum of steps, and the functions of records and columns."""
