"""The scorer: one model, the path of a record through it, and the same for frames."""
