"""The interface for Python and notebooks, whose functions and methods do what the commands do."""

import sys
import warnings
from contextlib import suppress
from importlib import import_module

if "IPython" in sys.modules:
    with warnings.catch_warnings(), suppress(ImportError):
        # Optuna's progress bars, which are never shown, warn on import if Jupyter has no widgets.
        warnings.simplefilter("ignore")
        import_module("tqdm.auto")
