"""Compare networks and families with others of equal cost: published ones, and those of a random search."""
