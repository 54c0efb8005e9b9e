"""Papers on flows: maps that carry one distribution to another."""
