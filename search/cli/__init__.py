"""The subcommands of `search`, one module each. A subcommand imports what it needs when it runs."""
