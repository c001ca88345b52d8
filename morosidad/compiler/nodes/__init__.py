"""What a compiled model computes, as data: expressions, functions, lookups, terms and trees."""
