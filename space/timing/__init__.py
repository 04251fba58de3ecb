"""Timing of training steps."""
