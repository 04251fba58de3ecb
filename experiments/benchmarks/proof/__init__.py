"""A comparison of searched networks with published networks of equal latency, by their accuracies (see `proof`)."""
