"""Images and labels for training and selection, decoded once. The test split has a function of its own."""

from search.data.dataset import DATASETS, Dataset, Split, load, load_test, source_from
from search.data.source import Source

__all__ = ["DATASETS", "Dataset", "Source", "Split", "load", "load_test", "source_from"]
