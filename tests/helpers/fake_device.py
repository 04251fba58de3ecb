"""A simulated device, whose times are known functions of a network's convolutions."""

from dataclasses import replace

from search.profiles import blocks
from search.profiles.campaign import Campaign
from search.profiles.regression import Sample
from space.timing.device import Device

DEVICE = Device("cpu", "a processor", 2, 1, "2.14.1")
PER_IMAGE = {"dense1 macs": 2e-6, "dense3 macs": 1e-6, "dense5 macs": 9e-7, "silu": 3e-6, "pooled": 1e-6}
PER_IMAGE |= {f"depthwise{k}s{s} macs": 8e-6 for k in (3, 5) for s in (1, 2)} | {"pixel count": 0.02}
REST = {"steps": 0.5, "params": 2e-6, "tensors": 0.004, "classifier macs": 1e-5}


def milliseconds(work, rates):
    return sum(rates.get(kind, 0.0) * amount for kind, amount in work.items())


def parts_of(network):
    """Return the milliseconds of each block of a network, and of the rest."""
    parts = blocks.parts(network)
    rest = milliseconds(blocks.work_of_classifier(network, *blocks.before_head(network)), REST)
    rest += sum(milliseconds(blocks.work_of_optimizer(part.layers), REST) for part in parts)
    return [milliseconds(blocks.work(part), PER_IMAGE) for part in parts], rest


def step_ms(network):
    """Return the time of a network's step on the device, in milliseconds."""
    times, rest = parts_of(network)
    return sum(times) + rest


def measured(reference):
    """Return a `measure` for campaigns with that reference."""

    def measure(network):
        unit = step_ms(reference)
        times, rest = parts_of(network)
        shares = tuple(time / unit for time in times)
        return Sample(str(network), shares, rest / unit, sum(shares) + rest / unit, 0.0, unit, 1.0)

    return measure


def profile_of(campaign):
    """Return the profile of a campaign on this device."""
    return campaign.fit([measured(campaign.reference)(network) for network in campaign.networks])


def latencies_of(space, batch=1):
    """Return a profile of latencies of a space in onnxruntime on this device."""
    device = replace(DEVICE, runtime="onnxruntime 1.0")
    campaign = Campaign(space, device, batch, cost="latency")
    unit = latency_ms(campaign.reference)
    return campaign.fit([latency_sample(network, unit) for network in campaign.networks])


def latency_ms(network):
    """Return the time of an inference of a network on the device, in milliseconds."""
    return sum(_latency_parts(network))


def _latency_parts(network):
    end = blocks.before_head(network)
    rest = milliseconds(blocks.work_of_classifier(network, *end, "latency"), REST)
    return [*(milliseconds(blocks.work(part), PER_IMAGE) for part in blocks.parts(network)), rest]


def latency_sample(network, unit):
    """Return the measurement of an inference of a network. unit: the milliseconds of the reference."""
    *shares, rest = (time / unit for time in _latency_parts(network))
    return Sample(str(network), tuple(shares), rest, sum(shares) + rest, 0.0, unit, 1.0)
