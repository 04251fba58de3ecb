"""Was the search worth it? Its winner beside what the same time, or none, would have given."""
