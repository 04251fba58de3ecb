"""Trained models as files: reading, prediction, export."""
