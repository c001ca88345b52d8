"""The parity gate: the original is asked, and the compiled form must answer the same."""
