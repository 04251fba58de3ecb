"""The comparison of a network, or a family of several sizes, with published and random networks of equal cost."""
