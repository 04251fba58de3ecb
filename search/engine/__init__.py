"""The engine, which drives a search from its first proposal to its finals."""
