"""Side by side with other ways of doing the same, in one process, as ratios."""
