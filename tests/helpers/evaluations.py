"""Evaluations that train nothing, and remember what they were asked."""

from search.testing import looked_up


class Counting:
    """`looked_up`, keeping what it was asked. fails: what to raise for a request, if anything."""

    def __init__(self, fails=lambda request: None):
        self.asked, self.fails = [], fails

    def __call__(self, request, report):
        if error := self.fails(request):
            raise error
        self.asked.append(request)
        return looked_up(request, report)

    @property
    def finals(self):
        """The seeds of trainings that are no trial's first."""
        return [request.seed for request in self.asked if request.seed]

    @property
    def seeded(self):
        """What was trained with which seed."""
        return [(request.architecture, request.seed) for request in self.asked]

    @property
    def trained(self):
        """What was trained for how many epochs."""
        return [(request.architecture, request.proxy.epochs) for request in self.asked]
