"""Run folders: opening, status, locks, re-scoring, warm starts."""
