"""What surrounds the scoring of a frame: the ids of its rows, and what becomes of its decisions."""
