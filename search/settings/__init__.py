"""Settings: their grammar, groups, validation and extension points."""
