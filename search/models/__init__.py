"""Trained models as files: reading, predicting with them, exporting them."""
