"""Searches, runs and predictions in Python and notebooks: what the commands do, as functions and methods."""
