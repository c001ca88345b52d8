"""What a person meets on a terminal: the arguments, the language, and signs that can be shown."""
