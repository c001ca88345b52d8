"""The tracer: a function of a user's own is run on symbolic columns that record what is done to them."""
