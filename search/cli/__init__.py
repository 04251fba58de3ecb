"""The verbs of the command `search`, one module each. They import what they do when they are asked for it."""
