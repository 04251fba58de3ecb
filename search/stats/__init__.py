"""Statistics about results: Pareto fronts, paired differences, rank correlations."""
