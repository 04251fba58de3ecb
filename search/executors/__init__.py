"""Where trials are trained. An executor asks the engine for requests and tells it what became of them."""

from search.executors.base import Driven, Evaluate, Executor
from search.executors.local import Local
from search.executors.ray_cluster import RayTune
from search.executors.serial import Serial
from search.settings.extensions import ENTRY_POINTS
from space.registry import Registry

EXECUTORS: Registry[type[Executor]] = Registry(
    ENTRY_POINTS["executor"], {"serial": Serial, "local": Local, "ray": RayTune}
)
"""Every executor by the name that `executor=` takes: the extension point."""

__all__ = ["EXECUTORS", "Driven", "Evaluate", "Executor"]
