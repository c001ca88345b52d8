"""The scorer: one model, the record path and the frame path through it."""
