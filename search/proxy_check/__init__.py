"""The comparison of the ranking of networks by a proxy with their ranking by real trainings."""
