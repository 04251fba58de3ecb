"""Search spaces: their choices, counting, and overriding."""
