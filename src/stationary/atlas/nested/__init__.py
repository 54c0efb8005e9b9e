"""Papers on problems nested in one another."""
