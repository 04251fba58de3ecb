"""The proxy task: the cheap training that a search runs for each network, and what a worker does."""
