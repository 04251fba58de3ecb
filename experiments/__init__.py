"""Settings that are read by name as data (YAML), benchmarks and fault drills. No package imports code from here."""
