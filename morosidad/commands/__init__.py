"""What the command line can do: a module a command, with `add_arguments` and `run`, and shared `options`."""
