"""Statistics of results: Pareto fronts, significant differences, rank correlations."""
