"""The engine: it drives a search from its first proposal to its finals."""
