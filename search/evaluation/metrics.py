"""The metrics of an evaluation: `Evaluation`, and the tables that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.data.source import Images, Labels
from search.stats.confidence import share_interval
from search.tables.table import Column

CLASSES = (
    Column("class", "Class", type="string", description="the true class"),
    Column("images", "Images", form=",d", description="images of the class"),
    Column(
        "accuracy", "Accuracy", form=".4f", description="share of these images with the right label (recall)"
    ),
    Column("low", "Low", form=".4f", description="lower end of the 95 % interval of the accuracy (Wilson)"),
    Column("high", "High", form=".4f", description="upper end of the interval"),
    Column(
        "precision", "Precision", form=".4f", description="share of the images with this label that are right"
    ),
    Column("f1", "F1", form=".4f", description="harmonic mean of accuracy and precision"),
    Column("confused", "Mostly taken for", type="string", description="the most frequent wrong label"),
    Column(
        "confused_images", "How often", form=",d", description="images of the class with that wrong label"
    ),
)
"""The columns of the table of classes."""
BINS = (
    Column("from", "Confidence from", form=".3f", description="probability of the label, above this"),
    Column("to", "To", form=".3f", description="and up to this"),
    Column("images", "Images", form=",d", description="images whose label has such a probability"),
    Column("confidence", "Mean confidence", form=".4f", description="mean probability of the labels"),
    Column("accuracy", "Accuracy", form=".4f", description="share of these images with the right label"),
)
"""The columns of the table of calibration."""
MISTAKES = (
    Column("image", "Image", type="string", description="its file, or its array and number"),
    Column("class", "Class", type="string", description="the true class"),
    Column("label", "Label", type="string", description="the class that the model names"),
    Column("probability", "Probability", form=".4f", description="the model's probability of this label"),
)
"""The columns of the table of mistakes."""
TRUE = "true / label"
"""The key of the true class in rows of the confusion matrix. The other keys are the names of the labels."""
_BINS = 15
"""The number of bins of equal width of the calibration error, as in Guo et al., "On Calibration of Modern Neural
Networks" (2017)."""
_SMALLEST = 1e-12
"""The least probability of the true class in the loss, so that the loss stays finite. Smaller ones are replaced."""


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """An image that the model classifies wrongly.

    image: the pixels uint8 (h, w, c). name: its file, or its array and number. true: the name of the true class.
    label: the name of the class that the model gives. probability: the model's probability of that class.
    """

    image: Images
    name: str
    true: str
    label: str
    probability: float


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The quality of a classifier on labelled images.

    >>> from search import evaluate
    >>> result = evaluate("models/flowers", "photos", "all")
    >>> [row["class"] for row in result.per_class()]
    ['circle', 'square']
    >>> int(result.confusion.sum())
    20

    model, data, split: the names of the model, the kind of data and the split. classes: the names of the model's
    classes. labels: the true class (n,) of each image. probabilities: the model's probability of each class (n,
    classes). mistakes: up to 24 wrongly classified images, the most probable predictions first.
    """

    model: str
    data: str
    split: str
    classes: tuple[str, ...]
    labels: Labels
    probabilities: NDArray[np.float32]
    mistakes: tuple[Mistake, ...] = ()

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"<{self.model} on {len(self.labels):,} images ({self.data}, {self.split}): accuracy {self.accuracy:.4f}"
            f" (95 % interval {low:.4f} to {high:.4f})>"
        )

    @cached_property
    def predicted(self) -> Labels:
        """The most probable class (n,) of each image; of equally probable ones the first."""
        best: Labels = self.probabilities.argmax(1)
        return best

    @property
    def accuracy(self) -> float:
        """The share of images that are classified correctly, 0 to 1."""
        return float((self.predicted == self.labels).mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval (Wilson) of the accuracy, 0 to 1: its uncertainty from the choice of images."""
        return share_interval(int((self.predicted == self.labels).sum()), len(self.labels))

    @property
    def balanced_accuracy(self) -> float:
        """The mean accuracy over the classes that have images, 0 to 1."""
        matrix = self.confusion
        counts = matrix.sum(1)
        return float((matrix.diagonal()[counts > 0] / counts[counts > 0]).mean())

    @property
    def top5(self) -> float | None:
        """The share of images whose class is among the five most probable; None for at most five classes."""
        if len(self.classes) <= 5:
            return None
        own = self.probabilities[np.arange(len(self.labels)), self.labels][:, None]
        before = np.arange(len(self.classes)) < self.labels[:, None]
        ahead = (self.probabilities > own) | ((self.probabilities == own) & before)
        return float((ahead.sum(1) < 5).mean())

    @property
    def loss(self) -> float:
        """The mean cross-entropy in nats."""
        own = self.probabilities[np.arange(len(self.labels)), self.labels]
        return float(-np.log(np.maximum(own.astype(np.float64), _SMALLEST)).mean())

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """The number of images by true class (rows) and predicted class (columns), shape (classes, classes)."""
        count = len(self.classes)
        return np.bincount(self.labels * count + self.predicted, minlength=count**2).reshape(count, count)

    @property
    def confidence(self) -> float:
        """The mean probability, 0 to 1, of the predicted classes. Above the accuracy, the model is overconfident."""
        return float(self.probabilities.max(1).astype(np.float64).mean())

    @property
    def calibration_error(self) -> float:
        """The expected calibration error (ECE), 0 to 1.

        It is the absolute difference of mean confidence and accuracy in each of 15 bins of equal width, averaged over
        the images.
        """
        rows = self.calibration()
        gaps = (row["images"] * abs(row["confidence"] - row["accuracy"]) for row in rows if row["images"])
        return float(sum(gaps) / len(self.labels))

    def calibration(self) -> list[dict[str, Any]]:
        """Return a row with the columns `BINS` for each bin, from low to high confidence, also for empty bins."""
        confidences = self.probabilities.max(1).astype(np.float64)
        bins = np.clip(np.ceil(confidences * _BINS).astype(int) - 1, 0, _BINS - 1)
        right = self.predicted == self.labels
        rows = []
        for number in range(_BINS):
            inside = bins == number
            any_image = bool(inside.any())
            rows.append(
                {
                    "from": number / _BINS,
                    "to": (number + 1) / _BINS,
                    "images": int(inside.sum()),
                    "confidence": float(confidences[inside].mean()) if any_image else None,
                    "accuracy": float(right[inside].mean()) if any_image else None,
                }
            )
        return rows

    def per_class(self) -> list[dict[str, Any]]:
        """Return a row with the columns `CLASSES` for each class that has images."""
        counts, labelled = self.confusion.sum(1), self.confusion.sum(0)
        return [self._class_row(number, int(labelled[number])) for number in np.flatnonzero(counts).tolist()]

    def _class_row(self, number: int, labelled: int) -> dict[str, Any]:
        own = self.confusion[number]
        right, images = int(own[number]), int(own.sum())
        low, high = share_interval(right, images)
        wrong = own.copy()
        wrong[number] = 0
        most = int(wrong.argmax())
        return {
            "class": self.classes[number],
            "images": images,
            "accuracy": right / images,
            "low": low,
            "high": high,
            "precision": right / labelled if labelled else None,
            "f1": 2 * right / (images + labelled),
            "confused": self.classes[most] if wrong[most] else None,
            "confused_images": int(wrong[most]),
        }

    @property
    def distinct_classes(self) -> tuple[str, ...]:
        """The names of the classes. A name that several classes share is followed by the number: "crane (134)"."""
        return tuple(
            f"{name} ({number})" if self.classes.count(name) > 1 else name
            for number, name in enumerate(self.classes)
        )

    def confusion_rows(self) -> list[dict[str, Any]]:
        """Return the rows of the confusion matrix, in the order of `classes`.

        In a row, the key `TRUE` holds the true class. Each other key is a name of `distinct_classes`, with the number
        of images of the true class to which the model gives this label.
        """
        names = self.distinct_classes
        pairs = zip(names, self.confusion.tolist(), strict=True)
        return [{TRUE: name, **dict(zip(names, row, strict=True))} for name, row in pairs]

    def mistake_rows(self) -> list[dict[str, Any]]:
        """Return a row with the columns `MISTAKES` for each of `mistakes`."""
        return [
            {"image": m.name, "class": m.true, "label": m.label, "probability": m.probability}
            for m in self.mistakes
        ]

    def values(self) -> Mapping[str, Any]:
        """Return the evaluation as plain values for JSON.

        These are the names, all metrics, the rows of classes and bins, the confusion matrix and the mistakes, but not
        the probabilities of single images.
        """
        return {
            "model": self.model,
            "data": self.data,
            "split": self.split,
            "images": len(self.labels),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "balanced_accuracy": self.balanced_accuracy,
            "top5": self.top5,
            "loss": self.loss,
            "confidence": self.confidence,
            "calibration_error": self.calibration_error,
            "classes": self.per_class(),
            "confusion": {"labels": list(self.classes), "counts": self.confusion.tolist()},
            "calibration": self.calibration(),
            "mistakes": self.mistake_rows(),
        }
