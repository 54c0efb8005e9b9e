"""Several tasks learnt together."""
