"""Evaluations that train nothing and record their requests."""

from search.testing import looked_up


class Counting:
    """`looked_up` with a list of its requests. fails: function from a request to the exception to raise, or None."""

    def __init__(self, fails=lambda request: None):
        self.asked, self.fails = [], fails

    def __call__(self, request, report):
        if error := self.fails(request):
            raise error
        self.asked.append(request)
        return looked_up(request, report)

    @property
    def finals(self):
        """The seeds of the finals. The seeds of shorter rungs lie below the search's, which is 0, modulo 2**32."""
        return [request.seed for request in self.asked if 0 < request.seed < 2**31]

    @property
    def seeded(self):
        """(architecture, seed) of each training."""
        return [(request.architecture, request.seed) for request in self.asked]

    @property
    def trained(self):
        """(architecture, epochs) of each training."""
        return [(request.architecture, request.proxy.epochs) for request in self.asked]
