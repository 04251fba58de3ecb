"""Full training: of one network, on all images, to a model that is used. Searches have `search.proxy.training`."""
