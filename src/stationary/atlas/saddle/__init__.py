"""Papers on saddle points, games and variational inequalities."""
