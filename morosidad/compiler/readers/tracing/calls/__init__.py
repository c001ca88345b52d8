"""Running a user's function on symbolic objects, with its own view of pandas and numpy."""
