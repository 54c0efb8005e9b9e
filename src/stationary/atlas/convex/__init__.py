"""Papers on convex optimisation and on fixed points of nonexpansive operators."""
