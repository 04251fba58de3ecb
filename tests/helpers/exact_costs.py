"""The costs of networks for a comparison, of which none is measured."""

from space.cost.table import exact_cost


class ExactCosts:
    """A stand-in for `search.compare.costs.Costs`. factor: multiplies the costs of each network."""

    def __init__(self, factor=lambda network: 1):
        self.factor = factor

    def __call__(self, name, network):
        return exact_cost(name, network) * self.factor(network)

    guess = __call__


EXACT_COSTS = ExactCosts()
