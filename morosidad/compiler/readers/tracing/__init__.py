"""The tracer: a function of a user's own is run once on symbolic columns that record what is done to them."""
