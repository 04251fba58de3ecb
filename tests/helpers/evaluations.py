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
        """The seeds of all trainings but the first of each trial."""
        return [request.seed for request in self.asked if request.seed]

    @property
    def seeded(self):
        """(architecture, seed) of each training."""
        return [(request.architecture, request.seed) for request in self.asked]

    @property
    def trained(self):
        """(architecture, epochs) of each training."""
        return [(request.architecture, request.proxy.epochs) for request in self.asked]
