"""Tables of cut-offs: what each would do."""
