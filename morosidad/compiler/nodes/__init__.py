"""The nodes of a compiled model, as data: expressions, functions, lookups, terms and trees."""
