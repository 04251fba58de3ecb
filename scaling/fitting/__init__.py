"""The grid search for alpha, beta and gamma (`scale fit`)."""
