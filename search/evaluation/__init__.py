"""The quality of a trained classifier on labelled images: metrics, tables and pictures."""
