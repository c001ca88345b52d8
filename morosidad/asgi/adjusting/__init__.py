"""Settings that change while the server runs: read again and applied as one step, in every process."""
