"""Trials: the ledger that stores them, their columns, and the finals."""
