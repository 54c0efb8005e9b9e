"""Papers on several objectives at once."""
