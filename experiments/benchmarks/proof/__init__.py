"""Is the searched network more accurate than every published one of equal latency? See `proof`."""
