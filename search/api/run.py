"""A run with everything that its commands do.

`search.runs.run.Run` only reads a run. The class here adds methods that use reports, comparisons and other packages,
which `search.runs` does not import. It adds no fields.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from search.api.words import Shown, display_of, joined
from search.runs import run as runs
from search.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from search.runs.rescoring import Rescored

_SHOWN = 10
"""The number of trials that a notebook shows."""
_PAGE = "report.html"


class Run(runs.Run):
    """The state of a run at the moment when it was opened. See `search.runs.run.Run` for its fields.

    >>> from search import open_run
    >>> open_run("photos")
    <Run photos: 8 complete, best: <Trial 2: complete, reward 0.8003, accuracy 0.8332, 6.51k params>>
    """

    __slots__ = ()

    @classmethod
    def of(cls, run: runs.Run) -> Self:
        """Return `run` as an instance of this class, which has more methods."""
        return cls(**{field.name: getattr(run, field.name) for field in fields(run)})

    def to_dataframe(self) -> pd.DataFrame:
        """Return a pandas DataFrame with a row for each trial.

        It has the columns of `search export`, and a column for each choice of the space.

        >>> frame = open_run("photos").to_dataframe()
        >>> frame[["number", "stages.1.depth"]].dtypes.tolist()
        [Int64Dtype(), Int64Dtype()]
        """
        return self.table.to_dataframe()

    def export(
        self,
        out: str | Path | None = None,
        format: str | None = None,
        *,
        columns: str = "",
        sort: str = "",
        top: int | None = None,
        pareto: str | None = None,
    ) -> str | bytes | None:
        """Write the trials to the file `out`. Without `out`, return the content of the file instead.

        >>> run = open_run("photos")
        >>> run.export("trials.parquet", top=3)
        >>> print(run.export(format="csv", columns="number,state", top=1))
        number,state
        2,complete
        <BLANKLINE>

        format: csv, json, parquet, md, latex, html, or optuna for the whole run; None: the format that the ending of
        `out` names, or csv if `out` is None. columns, sort, top, pareto: as in `search export`; pareto="" takes the
        default columns. Raises `UserError` for an unknown format or column, and for a file that cannot be written.
        """
        from search.files import write_file
        from search.runs.exporting import exported

        file = _path(out)
        content = exported(self, file, format, columns=columns, sort=sort, top=top, pareto=pareto)
        if file is None:
            return content
        write_file(file, content)
        return None

    def report(
        self,
        *others: str | runs.Run,
        out: str | Path | None = None,
        baseline: str | runs.Run | None = None,
        refresh: int | None = None,
    ) -> Path:
        """Write the report of the run, or with `others` a page that compares the runs, and return the file's path.

        >>> open_run("photos").report()
        PosixPath('runs/photos/report.html')

        out: the file, by default report.html in the folder of the run, or in the current folder for several runs.
        baseline: a search with sampler=random to compare a single run with. refresh: the seconds after which an open
        page reloads itself, None for never. Raises `UserError` for a file that does not end with .html or cannot be
        written, for a run that is given twice, for a baseline of several runs, and for a baseline whose rewards
        cannot be compared with those of the run.
        """
        from search.files import require_ending, write_file
        from search.report.pages import page_of
        from search.report.render import html

        file = _path(out)
        require_ending("out", file, ".html", "a report")
        page = page_of([self, *map(_opened, others)], _opened(baseline) if baseline else None, refresh)
        place = file or (Path(_PAGE) if others else self.path / _PAGE)
        write_file(place, html(page))
        return place

    def figures(self, *others: str | runs.Run, baseline: str | runs.Run | None = None) -> dict[str, Figure]:
        """Return a mapping of names to the charts of the report, as matplotlib figures; {} if no trial is complete.

        >>> list(open_run("photos").figures())[:3]
        ['overview', 'accuracy-params', 'accuracy-macs']

        Notebooks show each figure; `figure.savefig("chart.svg")` writes it. others, baseline: as in `report`, which
        raises the same errors for them.
        """
        from search.report.pages import figures_of

        return figures_of([self, *map(_opened, others)], _opened(baseline) if baseline else None)

    def rescore(self, settings: Mapping[str, Any] | None = None, **words: Any) -> Rescored:
        """Return the trials ranked under another objective. Nothing is trained.

        >>> result = open_run("photos").rescore({"reward.w": 0, "limit.params": "20k"})
        >>> result.places[0].rank, result.places[0].trial.params < 20_000
        (1, True)

        settings, words: `reward`, and settings of the groups `reward` and `limit`. The `places` of the result hold
        the trials, the best first; its `to_dataframe()` returns them as a table. Raises `UserError` for other
        settings, for a cost that the run neither measured nor predicted, and for a run without a complete trial.
        """
        from search.config import objective_of
        from search.engine.initial_networks import resolved
        from search.runs.rescoring import Rescored, rescored, rescored_answers

        reward, limits = objective_of(self.config, resolved(joined(settings, words)))
        places = tuple(rescored(self, reward, limits))
        answers = None if reward.multi_objective else rescored_answers(self, places, reward, limits)
        return Rescored(reward, places, answers)

    def compare(
        self,
        *others: str,
        settings: Mapping[str, Any] | None = None,
        display: Shown = "auto",
        **words: Any,
    ) -> Table:
        """Compare the best network with other networks of equal cost, all trained in the same way. Return the table.

        >>> quick = {"recipe.epochs": 1, "recipe.batch": 64, "recipe.device": "cpu", "executor": "serial"}
        >>> few = {"networks": "shufflenet-v2-1.0", "match": "macs", "random": 0, "rates": 1, "seeds": 1}
        >>> table = open_run("photos").compare(settings=quick | few, display=None)
        >>> table.to_dataframe()["what"].tolist()
        ['photos', 'shufflenet-v2-1.0']

        others: networks that are compared as they are. settings, words: those of `search compare`. display: as in
        `launch`. The caption of the table holds the conclusions. The files that `search compare` writes are written
        too, and a repeated call trains only what is missing. Raises `UserError` for invalid settings, for a run that
        still runs or has no complete trial, and if a training or the random search fails.
        """
        from search.compare.comparison import compare
        from search.compare.plan import plan_of
        from search.compare.table import COLUMNS, EXACT
        from search.engine.display import Silent
        from search.report.compared import write_comparison
        from search.tables.selection import filled

        shown = display_of(display) or Silent()
        plan = plan_of([self.name, *others], joined(settings, words))
        rows, sentences, _ = write_comparison(compare(plan, shown.note, shown))
        return Table(rows, filled(rows, (*COLUMNS, *EXACT)), caption=" ".join(sentences))

    def _repr_html_(self) -> str:
        """Return the progress and the best trials as HTML, for notebooks."""
        from search.tables.selection import filled
        from search.trials.columns import BRIEF, TRIALS, row

        rows = [row(trial) for trial in self.ranked[:_SHOWN]]
        columns = filled(rows, [c for c in TRIALS if c.key in (*BRIEF, "architecture")])
        return Table(rows, columns, caption=f"{self.title}; {self.counts}")._repr_html_()


def _opened(run: str | runs.Run) -> runs.Run:
    return run if isinstance(run, runs.Run) else runs.open_run(run)


def _path(name: str | Path | None) -> Path | None:
    return None if name is None else Path(os.path.expanduser(name))
