"""Images and labels: `load` returns those for training and selection, `load_test` those for the test at the end."""

from search.data.dataset import DATASETS, Dataset, Split, load, load_test, source_from
from search.data.source import Source

__all__ = ["DATASETS", "Dataset", "Source", "Split", "load", "load_test", "source_from"]
