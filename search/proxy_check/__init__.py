"""Does the proxy rank? Networks ranked by cheap trainings, and the same ranked by longer ones."""
