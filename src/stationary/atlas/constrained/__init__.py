"""Papers on constrained optimisation and learning."""
