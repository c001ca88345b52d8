"""What operations on columns are as expressions, and the trace that takes them in."""
