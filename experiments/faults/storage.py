"""Drills in which the disk is full or read-only, or the data disappear. The first two mount tmpfs and need root."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from experiments.faults.watching import Driver, Outcome, finished, fresh, settings, states, whole


@contextmanager
def _tmpfs(size: str) -> Iterator[Path]:
    with fresh() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "drill", str(folder)], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def disk_full(executor: str, times: int) -> Outcome:
    """Fill the disk of the run, free it again and resume."""
    with _tmpfs("4m") as folder, fresh() as other:
        elsewhere = {"XDG_CACHE_HOME": str(other), "DRILL_FOLDER": str(other)}
        driver = Driver(folder, "quick", *settings(executor, 60), **elsewhere)
        driver.after(5)
        with suppress(OSError), open(folder / "ballast", "wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        code, error = driver.end()
        reported, before = driver.reported, finished(folder)
        (folder / "ballast").unlink()
        again, _ = Driver(folder, "quick", **elsewhere).end()
        intact = reported <= set(before) and all(
            finished(folder)[number] == row for number, row in before.items()
        )
        held = code == 1 and intact and again == 0 and whole(folder, 60)
        return Outcome(
            1, held, f"exit {code} with {len(before)} finished, {error!r}; resumed: {states(folder)}"
        )


def read_only(executor: str, times: int) -> Outcome:
    """Make the file system of the run read-only before a resume, and resume again when it is writable."""
    with _tmpfs("8m") as folder, fresh() as other:
        elsewhere = {"XDG_CACHE_HOME": str(other), "DRILL_FOLDER": str(other)}
        driver = Driver(folder, "quick", *settings(executor, 30), **elsewhere)
        driver.after(5)
        driver.signal(signal.SIGINT, group=True)
        driver.end()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        code, error = Driver(folder, "quick", **elsewhere).end()
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        again, _ = Driver(folder, "quick", **elsewhere).end()
        held = code == 2 and again == 0 and whole(folder, 30)
        return Outcome(1, held, f"exit {code}, {error!r}; writable again: {states(folder)}")


def data_deleted(executor: str, times: int) -> Outcome:
    """Delete the data file during a search with real trainings, restore it and resume."""
    import numpy as np

    with fresh() as folder:
        rng, path = np.random.default_rng(0), folder / "photos.npz"
        images = {f"{part}_x": rng.integers(0, 255, (n, 16, 16, 3), np.uint8) for part, n in _SPLITS}
        labels = {f"{part}_y": np.arange(n) % 3 for part, n in _SPLITS}
        np.savez(path, **images, **labels, classes=np.array(["a", "b", "c"]))
        driver = Driver(folder, "evaluate", *settings(executor), "data=npz", f"data.path={path}")
        driver.after(3)
        path.rename(folder / "away.npz")
        code, error = driver.end()
        before = finished(folder)
        (folder / "away.npz").rename(path)
        again, last = Driver(folder, "evaluate", "max_failures=20").end()
        intact = all(finished(folder)[number] == row for number, row in before.items())
        complete = sum(row[0] == "complete" for row in finished(folder).values())
        held = code == 1 and "photos.npz" in error and again == 0 and intact and complete >= 9
        return Outcome(1, held, f"exit {code}, {error[:120]!r}; resumed: {states(folder)}{last}")


_SPLITS = (("train", 300), ("test", 30))
