"""Compare the winner of a search with networks of equal cost: of a random search, and published ones."""
