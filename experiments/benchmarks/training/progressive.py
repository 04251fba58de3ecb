"""Progressive learning against one image size, with equal budgets.

    python -m experiments.benchmarks.training.progressive RUN:12 data=npz data.path=FILE --epochs 12 --seeds 3

With each seed, one network is trained three times: by `recipe=small` at one image size, by `recipe=progressive_small`
for as many epochs, and by the latter for as many epochs as give an equal number of trained pixels. Everything is
stored in ./models, and the same command continues an interrupted comparison.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from search.compare.training import Training, trained
from search.executors.jobs import done, local
from search.models.model import Document, is_model, read_document
from search.settings.words import parse
from search.stats.differences import Differences
from search.tables.table import Column
from search.tables.writing import format_of, render, write
from search.training.recipe import Recipe, stages
from search.training.settings import task_of
from search.training.task import Task

COLUMNS = (
    Column("recipe", "Recipe"),
    Column("epochs", "Epochs", form="d"),
    Column(
        "pixels", "Pixels", form=".2f", description="pixels trained on, divided by those of the first row"
    ),
    Column("n", "n", form="d", description="number of trainings; all rows share the seeds"),
    Column("accuracy", "Accuracy", form=".4f", description="mean on the test split"),
    Column("accuracy_half", "+-", form=".4f", description="half of its 95% interval over seeds"),
    Column("seconds", "Time", "s", form=".0f", description="mean time of one training on the clock"),
    Column(
        "less", "Less fixed size", form="+.4f", description="mean difference to the first row, paired by seed"
    ),
    Column("less_half", "+- ", form=".4f", description="half of its interval, adjusted for all rows"),
    Column("accuracies", "Seed by seed"),
)


def pixels(recipe: Recipe, evaluated: int) -> float:
    """Return the number of pixels that the training of one image processes over all epochs.

    evaluated: the resolution at evaluation.
    """
    return float(sum((stage.end - stage.first) * stage.resolution**2 for stage in stages(recipe, evaluated)))


def equal(recipe: Recipe, evaluated: int, target: float) -> Recipe:
    """Return `recipe` with the number of epochs that brings `pixels(recipe, evaluated)` nearest to `target`."""
    candidates = [
        recipe.model_copy(update={"epochs": epochs}) for epochs in range(recipe.stages, 20 * recipe.epochs)
    ]
    return min(candidates, key=lambda one: abs(pixels(one, evaluated) - target))


def contestants(task: Task, progressive: Recipe) -> dict[str, Recipe]:
    evaluated, fixed = task.architecture.resolution, task.recipe
    as_long = progressive.model_copy(update={"epochs": fixed.epochs})
    return {
        "one size": fixed,
        "progressive, as many epochs": as_long,
        "progressive, as many pixels": equal(as_long, evaluated, pixels(fixed, evaluated)),
    }


def rows(
    recipes: dict[str, Recipe], models: dict[str, list[Document]], evaluated: int
) -> list[dict[str, object]]:
    accuracies = {
        name: [
            next(m.value for m in d.metrics if (m.name, m.split) == ("accuracy", "test")) for d in documents
        ]
        for name, documents in models.items()
    }
    layout = Differences(list(accuracies.values()), common_seeds=True)
    first = pixels(next(iter(recipes.values())), evaluated)
    table = []
    for place, (name, recipe) in enumerate(recipes.items()):
        mean, less = layout.mean(place), layout.difference(place, 0)
        seconds = [document.provenance.seconds or 0.0 for document in models[name]]
        row = {"recipe": name, "epochs": recipe.epochs, "pixels": pixels(recipe, evaluated) / first}
        row |= {"n": len(seconds), "accuracy": mean.mean, "accuracy_half": mean.half}
        row |= {"seconds": sum(seconds) / len(seconds), "accuracies": accuracies[name]}
        table.append(row | ({"less": less.mean, "less_half": less.half} if place else {}))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", help="as for search train")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, help="a table: FILE.csv, FILE.md")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    options = parser.parse_intermixed_args()
    settings = {**parse(options.settings), "recipe.epochs": options.epochs, "threads": 1}
    fixed, _ = task_of(options.what, settings)
    progressive, _ = task_of(options.what, {**settings, "recipe": "progressive_small"})
    recipes = contestants(fixed, progressive.recipe)
    folders = {
        (name, seed): Path(
            "models",
            f"{fixed.architecture.digest[:6]}-{name.replace(', ', '-').replace(' ', '-')}"
            f"-{recipe.epochs}-seed{seed}",
        )
        for name, recipe in recipes.items()
        for seed in range(options.seeds)
    }
    jobs = [
        Training(number, replace(fixed, recipe=recipes[name], seed=seed), folder)
        for number, ((name, seed), folder) in enumerate(sorted(folders.items(), key=lambda item: item[0][1]))
        if not is_model(folder)
    ]
    failed = done(
        local(options.workers),
        jobs,
        trained,
        lambda job, back: print(job.folder, f"{back.accuracy:.4f}", flush=True),
    )
    if failed:
        raise SystemExit(f"{failed[0][0].folder}: {failed[0][1]}")
    models = {name: [read_document(folders[name, seed]) for seed in range(options.seeds)] for name in recipes}
    table = rows(recipes, models, fixed.architecture.resolution)
    print(render(table, COLUMNS, "md"))
    if options.out:
        write(table, COLUMNS, format_of(None, options.out), options.out, caption=str(fixed.architecture))


if __name__ == "__main__":
    main()
