"""Settings of searches that end in a moment, for evaluations that train nothing."""

QUICK = {
    "space": "tiny_space",
    "data.images": 100,
    "data.test_images": 20,
    "proxy.resolution": 16,
    "executor": "serial",
    "step": "measured",
    "sampler": "random",
    "run": "r",
}

DONE = {
    "space": "tiny_space",
    "proxy": "tiny",
    "data.images": 400,
    "data.test_images": 20,
    "executor": "serial",
    "sampler": "random",
    "trials": 8,
    "run": "done",
}
"""The settings of the fixture `finished_run`, unless the test module has its own, called SMALL."""
