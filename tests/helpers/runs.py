"""Runs on disk without training: any number of trials in any state."""

import json
import math
import random
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import yaml

from search.config import Config
from search.proxy.evaluate import Request
from search.runs.names import CONFIG
from search.runs.run import ENVIRONMENT, LEDGER, open_run
from search.testing import looked_up
from search.trials.ledger import OVER, Ledger
from search.trials.records import FinalTraining, Record
from space import cost

ENVIRONMENT_OF_ALL = {
    "started": "2026-01-01T00:00:00+0000",
    "command": ["/usr/bin/search", "launch", "space=tiny_space", "data.path=my photos", "run=one"],
    "python": "3.11.2",
    "versions": {"torch": "2.14.1", "ray": None},
    "platform": "Linux",
    "processor": "A processor",
    "cores": 2,
    "commit": None,
    "data": {
        "name": "shapes",
        "digest": "0123",
        "classes": ["ant", "<b>bee</b>"],
        "train": 9600,
        "validation": 2400,
    },
    "skipped": [],
}


def filled(path, complete=12, failed=0, running=0, environment=ENVIRONMENT_OF_ALL, accuracy=None, **settings):
    """Write a run at `path` with these numbers of trials in each state; complete ones have 2 epochs.

    accuracy: the accuracy of every trial; None for different ones. settings: of its launch, with "__" for ".".
    """
    path = Path(path)
    total = complete + failed + running
    chosen = {"space": "tiny_space", "sampler": "random", "finals": "off", "trials": max(1, total)}
    chosen |= {key.replace("__", "."): value for key, value in settings.items()}
    config = Config.of(chosen)
    path.mkdir(parents=True)
    (path / CONFIG).write_text(yaml.safe_dump(config.document(), sort_keys=False))
    if environment:
        (path / ENVIRONMENT).write_text(json.dumps(environment))
    rng = random.Random(config.settings.seed)
    with closing(Ledger(path / LEDGER)) as ledger:
        ledger.note("fidelity", "none")
        ledger.replace("seconds", f"{30.0 * total:.1f}")
        points = distinct(config.space, rng, total)
        for number, point in enumerate(points):
            state = "complete" if number < complete else "failed" if number < complete + failed else "running"
            add(ledger, config, number, point, state, accuracy)
        ledger.replace(OVER, "" if running or chosen["finals"] != "off" else "yes")
    return path


def distinct(space, rng, count):
    """Return `count` points of different networks."""
    found = {}
    while len(found) < count:
        point = space.sample(rng)
        found.setdefault(space.at(point), point)
    return found.values()


def train_again(path, most=None, alike=False):
    """Write the finals of the run at `path`: all of its trainings with fresh seeds, or the first few.

    alike: whether a network has the accuracy again that it had.
    """
    run = open_run(path)
    with closing(Ledger(path / LEDGER)) as ledger:
        for trial, seed in list(run.agenda.missing)[:most]:
            accuracy = trial.result.accuracy + (0 if alike else 0.004 * (seed % 3) - 0.01)
            result = replace(trial.result, accuracy=accuracy)
            ledger.record_final(
                trial.architecture.digest, "none", FinalTraining(seed, 1, "complete", result=result)
            )
        ledger.replace(OVER, "yes" if most is None else "")


def add(ledger, config, number, point, state, accuracy=None):
    """Add one trial."""
    network = config.space.at(point)
    asked = 1e9 + 30 * number
    record = Record(
        number, network.digest, str(network), config.settings.seed, point, "waiting", 1, "", asked, None, None
    )
    ledger.add(record)
    if state == "running":
        ledger.begin(number, 1)
    elif state == "failed":
        ledger.fail(record, "none", f"diverged at step {number}: <i>nan</i>", asked + 20)
    else:
        reference = str(config.reference) if "step" in config.reward.costs else ""
        request = Request(
            number,
            1,
            str(network),
            config.proxy.model_copy(update={"epochs": 2}),
            config.data,
            number,
            reference,
        )
        result = looked_up(request, lambda epoch, loss: None)
        # `looked_up` is made for networks of a few thousand parameters.
        size = math.log10(cost(network).params)
        if accuracy is None:
            accuracy = 0.4 + 0.08 * size - 0.012 * (size - 4) ** 2 + 0.03 * (number * 0.618 % 1)
        ledger.complete(record, "none", replace(result, accuracy=accuracy, seconds=18.5), asked + 20)
