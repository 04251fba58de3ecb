"""The files of an evaluation: tables as CSV, everything as JSON, and pictures."""

from __future__ import annotations

import json

from search.evaluation.metrics import BINS, CLASSES, MISTAKES, TRUE, Evaluation
from search.tables.table import Column
from search.tables.writing import render

SCHEMA, VERSION = "compound-nas.evaluation", 1
"""The schema of evaluation.json, and its version, which rises whenever the keys change."""
FILES = (
    *("evaluation.json", "classes.csv", "confusion.csv", "calibration.csv", "mistakes.csv"),
    *("confusion.png", "calibration.png", "mistakes.png"),
)
"""The names of all files that an evaluation can have."""


def files(evaluation: Evaluation) -> dict[str, str | bytes]:
    """Return a mapping of names to contents of the files. mistakes.png is missing if there are no mistakes."""
    from search.evaluation.pictures import pictures

    document = {"schema": SCHEMA, "version": VERSION, **evaluation.values()}
    labels = [Column(name, name, form=",d") for name in evaluation.distinct_classes]
    return {
        "evaluation.json": json.dumps(document, indent=1, allow_nan=False) + "\n",
        "classes.csv": render(evaluation.per_class(), CLASSES, "csv"),
        "confusion.csv": render(evaluation.confusion_rows(), [Column(TRUE, TRUE), *labels], "csv"),
        "calibration.csv": render(evaluation.calibration(), BINS, "csv"),
        "mistakes.csv": render(evaluation.mistake_rows(), MISTAKES, "csv"),
        **pictures(evaluation),
    }
