"""Settings shipped as data: YAML groups read by name. No code of ours imports code from here."""
