"""Rows and columns of every table that `scale` writes; `published` tells its two kinds of rows apart."""

from __future__ import annotations

from scaling.compound import Coefficients
from scaling.families import ScaledModel
from scaling.nearest import nearest
from search.tables.table import Column, Row
from space import Published, cost

SCHEMA, VERSION = "compound-nas.scale", 2
"""The version rises with every change of the keys, their types or their meanings, also when one is added."""

COLUMNS = (
    Column("name", "Network"),
    Column(
        "published",
        "Published",
        description="a published network; the others are a formula's result",
        type="boolean",
    ),
    Column("rule", "Rule", description="how it was derived, see `scale --help`"),
    Column("phi", "phi", description="how far the base is scaled; 0 is the base", form=".4g"),
    Column("depth", "Depth", description="multiplier on each stage's blocks, before rounding", form=".3f"),
    Column("width", "Width", description="multiplier on all channels, before rounding", form=".3f"),
    Column("resolution", "Resolution", "px", "side of the images that it is evaluated on", type="integer"),
    Column(
        "train_resolution", "Trained at", "px", "side of the images that it is trained on", type="integer"
    ),
    Column("blocks", "Blocks", type="integer"),
    Column("params", "Params", description="trainable parameters", form="si"),
    Column("macs", "MACs", description="multiply-adds of convolutions and classifier, one image", form="si"),
    Column("activations", "Activations", description="outputs of all convolutions, one image", form="si"),
    Column("two_to_phi", "2^phi", description="how much MACs were meant to grow", form=".2f"),
    Column("macs_growth", "MACs x", description="how much MACs really grew, over the base", form=".2f"),
    Column("params_growth", "Params x", description="how much params grew, over the base", form=".2f"),
    Column("nearest", "Nearest", description="the published network of nearest params and MACs"),
)
"""What fits a page or a terminal."""

STEP = Column(
    "predicted_ms",
    "Step predicted",
    "ms",
    description="one training step, by the device's profile and on its number of images",
    form=".1f",
)

ALL_COLUMNS = (
    *COLUMNS,
    STEP,
    Column("depth_obtained", "Depth obtained", description="blocks over the base's", form=".3f"),
    Column(
        "width_obtained", "Width obtained", description="mean width of stages over the base's", form=".3f"
    ),
    Column("resolution_asked", "Resolution asked", description="multiplier before rounding", form=".3f"),
    Column("resolution_obtained", "Resolution obtained", description="pixels over the base's", form=".3f"),
    Column("alpha", "alpha", description="depth's coefficient, where the rule has one", type="number"),
    Column("beta", "beta", description="width's coefficient", type="number"),
    Column("gamma", "gamma", description="resolution's coefficient", type="number"),
    Column("base", "Base", description="canonical string of the network it was derived from"),
    Column("architecture", "Architecture", description="canonical string: `scale --base` reads it"),
    Column("source", "Source", description="of the rule, or of the published network"),
    Column("family", "Family", description="what a published network is listed under"),
    Column("note", "Note", description="where publication and code differ"),
)
"""What data formats hold."""


def model_row(model: ScaledModel) -> Row:
    """The row of a formula's result."""
    law = model.rule.law
    coefficients = law if isinstance(law, Coefficients) else None
    asked, obtained, spent = model.multipliers, model.obtained, model.cost
    return {
        "name": model.name,
        "published": False,
        "rule": model.rule.name,
        "phi": model.phi,
        "depth": asked.depth,
        "width": asked.width,
        "resolution": model.architecture.resolution,
        "train_resolution": model.train_resolution,
        "blocks": model.architecture.depth,
        "params": spent.params,
        "macs": spent.macs,
        "activations": spent.activations,
        "two_to_phi": 2**model.phi,
        "macs_growth": model.macs_growth,
        "params_growth": model.params_growth,
        "nearest": nearest(model.architecture).name,
        "depth_obtained": obtained.depth,
        "width_obtained": obtained.width,
        "resolution_asked": asked.resolution,
        "resolution_obtained": obtained.resolution,
        "alpha": coefficients and coefficients.alpha,
        "beta": coefficients and coefficients.beta,
        "gamma": coefficients and coefficients.gamma,
        "base": str(model.base.architecture),
        "architecture": str(model.architecture),
        "source": model.rule.source,
    }


def published_row(published: Published) -> Row:
    """The row of a published network: no phi and no rule, since none was published for any."""
    spent = cost(published.architecture)
    return {
        "name": published.name,
        "published": True,
        "depth": published.depth or None,
        "width": published.width or None,
        "resolution": published.architecture.resolution,
        "train_resolution": published.train_resolution,
        "blocks": published.architecture.depth,
        "params": spent.params,
        "macs": spent.macs,
        "activations": spent.activations,
        "architecture": str(published.architecture),
        "source": published.source,
        "family": published.family,
        "note": published.note or None,
    }
