"""The commands of the command line: a module for each, with `add_arguments` and `run`."""
