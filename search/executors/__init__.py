"""The executors, which train trials: an executor takes requests from the engine and returns their results."""

from search.executors.base import Driven, Evaluate, Executor
from search.executors.local import Local
from search.executors.ray_cluster import RayTune
from search.executors.serial import Serial
from search.settings.extensions import ENTRY_POINTS
from space.extension_points import Registry

EXECUTORS: Registry[type[Executor]] = Registry(
    ENTRY_POINTS["executor"], {"serial": Serial, "local": Local, "ray": RayTune}
)
"""The executors, by the name that `executor=` takes. Other packages add theirs by an entry point."""

__all__ = ["EXECUTORS", "Driven", "Evaluate", "Executor"]
