"""Images and labels to train and select with, decoded once; the test split only if asked for by name."""

from search.data.dataset import DATASETS, Dataset, Split, load, load_test, source_from
from search.data.source import Source

__all__ = ["DATASETS", "Dataset", "Source", "Split", "load", "load_test", "source_from"]
