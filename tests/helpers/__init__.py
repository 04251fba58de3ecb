"""Values, fixtures and functions that several tests share."""
