"""Searches, runs and predictions in Python and notebooks: what the commands do, as functions and methods."""

import sys
import warnings
from contextlib import suppress
from importlib import import_module

if "IPython" in sys.modules:
    with warnings.catch_warnings(), suppress(ImportError):
        # Optuna's progress bars, which are never shown, warn on import if Jupyter has no widgets.
        warnings.simplefilter("ignore")
        import_module("tqdm.auto")
