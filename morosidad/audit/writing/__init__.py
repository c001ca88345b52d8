"""The writing of the log: batches, the writer thread, and the end of the process."""
