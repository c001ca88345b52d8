"""What belongs to a process: its forks, and the paths that its parts keep."""
