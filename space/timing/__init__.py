"""Timing of training steps and inferences."""
