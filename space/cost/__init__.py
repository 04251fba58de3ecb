"""Costs that are known without training: parameters, multiply-adds, activations, memory."""
