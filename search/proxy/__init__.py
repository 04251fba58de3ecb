"""The proxy: the low-cost training that a search runs for each network, and its evaluation in a worker."""
