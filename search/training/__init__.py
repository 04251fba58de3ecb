"""The full training of one network on all images, for a usable model. Searches use `search.proxy.training`."""
