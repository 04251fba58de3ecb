"""Inference by onnxruntime: a network's ONNX file in a session with fixed options, and the time of each node.

    session = Session(traced(network, images), images.numpy(), threads=1)
    session.run()

Exported models come from torch's exporter, which takes seconds for each network. Measurements use torch's older
tracer, which takes a tenth of a second and names nodes after our modules. After onnxruntime's optimisations both
files have the same nodes, as a test checks.
"""

from __future__ import annotations

import io
import json
import tempfile
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from space import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

OPSET = 20
"""The opset of the measured files. It is the default of torch's exporter, which writes the exported files."""
PROVIDER = "CPUExecutionProvider"
_PACKAGES = ("onnx", "onnxruntime")
_UNTIMED = 5
"""The number of warm-up runs of a profiled session, whose times are ignored."""


def missing() -> list[str]:
    """Return the names of those packages that a session needs and that are not installed."""
    return [package for package in _PACKAGES if find_spec(package) is None]


def require_onnxruntime() -> None:
    """Raise `UserError` if onnx or onnxruntime is not installed."""
    if packages := missing():
        raise UserError(
            f"Latencies in onnxruntime need {', '.join(packages)}: pip install 'compound-nas[onnx]'. torch measures "
            "latencies without that: search measure NETWORK runtime=torch; for a search: search profile space=SPACE "
            "cost=latency runtime=torch --out FILE, and then latency=./FILE."
        )


def runtime_name() -> str:
    """Return onnxruntime's version and the options of all sessions, by which device profiles are distinguished."""
    require_onnxruntime()
    return (
        f"onnxruntime {version('onnxruntime')}, opset {OPSET}, {PROVIDER}, all optimisations, sequential, "
        "no spinning"
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's text without its full stop, or the error's class if it has no text."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")


def out_of_memory(error: Exception) -> bool:
    """Return True if `error`, which torch or onnxruntime raised, says that memory ran out."""
    # The classes of onnxruntime's errors have no common base but Exception.
    known = isinstance(error, (RuntimeError, MemoryError)) or type(error).__module__.startswith("onnxruntime")
    ran_out = isinstance(error, MemoryError) or any(word in str(error) for word in ("memory", "bad_alloc"))
    return known and ran_out


def traced(network: nn.Module, images: Tensor) -> bytes:
    """Return the ONNX model of `network` in evaluation mode for batches of the shape of `images`.

    Its input is "images" and its output "logits". Raises `UserError` for an operation that ONNX lacks.
    """
    import torch
    from torch.onnx.errors import OnnxExporterError

    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # The tracer warns that torch has a newer exporter.
        try:
            torch.onnx.export(
                network.eval(),
                (images,),
                file,  # type: ignore[arg-type]
                input_names=["images"],
                output_names=["logits"],
                opset_version=OPSET,
                dynamo=False,
            )
        except OnnxExporterError as error:  # Errors of the network's own code are not converted.
            raise UserError(f"The network cannot be exported to ONNX: {first_line(error)}.") from None
    return file.getvalue()


class Session:
    """A session for one model and one batch, with bound input and output."""

    def __init__(
        self, content: bytes, images: NDArray[np.float32], threads: int = 1, profile: Path | None = None
    ) -> None:
        """Load the ONNX model in `content`.

        images: (batch, channels, height, width). threads: the number of threads within an operation. profile: the
        prefix of the path of onnxruntime's profile; None: no profile.
        """
        import onnxruntime  # type: ignore[import-untyped]

        options = _options(threads)
        if profile is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(profile)
        self._session: Any = onnxruntime.InferenceSession(content, options, providers=[PROVIDER])
        self._binding = self._session.io_binding()
        self._binding.bind_ortvalue_input("images", onnxruntime.OrtValue.ortvalue_from_numpy(images))
        logits = self._session.run(["logits"], {"images": images})[0]
        self._logits = onnxruntime.OrtValue.ortvalue_from_numpy(logits)
        self._binding.bind_ortvalue_output("logits", self._logits)

    def run(self) -> None:
        """Compute the logits of the bound images."""
        self._session.run_with_iobinding(self._binding)

    @property
    def logits(self) -> NDArray[np.float32]:
        """The logits of the latest run, (batch, classes)."""
        logits: NDArray[np.float32] = self._logits.numpy()
        return logits

    def end_profile(self) -> Path:
        """End the profile, and return the file that it was written to."""
        return Path(self._session.end_profiling())


def _options(threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Threads that spin while they wait starve on a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_free_dimension_override_by_name("batch", 1)
    options.log_severity_level = 3
    return options


def node_times(
    content: bytes, images: NDArray[np.float32], threads: int = 1, runs: int = 20
) -> list[tuple[str, float]]:
    """Return (name, median milliseconds over `runs`) for each node of the optimised model, in order of execution.

    onnxruntime chooses the names of the nodes that it adds. Its profiler lengthens every node by about the same time,
    6 us on an AMD EPYC. Nodes that compute hardly anything take this time, and without the profiler an inference is
    shorter by 4 to 12 us per node. The time of the shortest node is therefore subtracted from all times.
    """
    with tempfile.TemporaryDirectory() as folder:
        session = Session(content, images, threads, Path(folder) / "profile")
        for _ in range(_UNTIMED + runs):
            session.run()
        events = json.loads(session.end_profile().read_text("utf-8"))
    times: dict[str, list[float]] = {}
    for event in events:
        name = event.get("name", "")
        if event.get("cat") == "Node" and name.endswith("_kernel_time"):
            times.setdefault(name.removesuffix("_kernel_time"), []).append(event["dur"] / 1e3)
    medians = {name: median(values[_UNTIMED + 1 :]) for name, values in times.items()}
    return [(name, ms - min(medians.values())) for name, ms in medians.items()]
