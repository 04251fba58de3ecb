"""The verbs of the command `search`, one module each. A verb imports what it needs when it runs."""
