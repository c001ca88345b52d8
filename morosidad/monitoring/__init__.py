"""What became of the population after the model was made: drift."""
