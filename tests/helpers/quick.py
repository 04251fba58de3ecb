"""The settings of a search that is over in a moment, where evaluations train nothing."""

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
