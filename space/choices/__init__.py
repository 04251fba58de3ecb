"""Search spaces: their choices, counting, and overriding.

The documents of the shipped spaces are in `experiments/settings/space`; `space.choices.loading` loads them.
"""
