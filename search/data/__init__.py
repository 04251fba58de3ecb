"""The images and labels of a source: `load` for training and selection, `load_test` for the final test."""

from search.data.dataset import DATASETS, Dataset, Split, load, load_test, source_from
from search.data.source import Source

__all__ = ["DATASETS", "Dataset", "Source", "Split", "load", "load_test", "source_from"]
