"""The rows and columns of the tables of networks that `scale` prints and writes.

The column `published` separates published networks from results of formulas.
"""

from __future__ import annotations

from scaling.compound import Coefficients
from scaling.model import ScaledModel
from scaling.nearest import near
from search.tables.table import Column, Row
from space import Published, cost
from space.cost.table import COSTS

SCHEMA, VERSION = "compound-nas.scale", 3
"""The schema of the tables and its version, which rises with each new key, and if a key, type or meaning changes."""

COLUMNS = (
    Column("name", "Network"),
    Column(
        "published",
        "Published",
        description="a published network; other rows are results of a formula",
        type="boolean",
    ),
    Column("rule", "Rule", description="scaling rule, see `scale --help`"),
    Column("phi", "phi", description="scaling exponent; 0 is the base", form=".4g"),
    Column("depth", "Depth", description="multiplier on each stage's blocks, before rounding", form=".3f"),
    Column("width", "Width", description="multiplier on the widths that scale, before rounding", form=".3f"),
    Column("resolution", "Resolution", "px", "side of the images at evaluation", type="integer"),
    Column("train_resolution", "Trained at", "px", "side of the images in training", type="integer"),
    Column("blocks", "Blocks", type="integer"),
    Column("params", "Params", description="trainable parameters", form="si"),
    Column("macs", "MACs", description="multiply-adds of convolutions and classifier, one image", form="si"),
    Column("activations", "Activations", description="outputs of all convolutions, one image", form="si"),
    Column("two_to_phi", "2^phi", description="growth of MACs that phi aims at", form=".2f"),
    Column("macs_growth", "MACs x", description="MACs divided by the base's", form=".2f"),
    Column("params_growth", "Params x", description="params divided by the base's", form=".2f"),
    Column(
        "nearest",
        "Nearest",
        description="the nearest published network, if its params and MACs are within a factor of 2",
    ),
)
"""The columns that fit a page or a terminal."""

STEP = Column(
    "predicted_ms",
    "Step predicted",
    "ms",
    description="one training step, predicted by a device profile for its batch size",
    form=".1f",
)

_ROW = COSTS["latency"]
LATENCY = Column(_ROW.column, _ROW.title, _ROW.unit, description=_ROW.meaning, form=_ROW.form)
PREDICTED = {"step": STEP, "latency": LATENCY}
"""The column of each cost that a device profile predicts."""

ALL_COLUMNS = (
    *COLUMNS,
    STEP,
    LATENCY,
    Column("depth_obtained", "Depth obtained", description="blocks divided by the base's", form=".3f"),
    Column(
        "width_obtained",
        "Width obtained",
        description="mean width of stages divided by the base's",
        form=".3f",
    ),
    Column("resolution_asked", "Resolution asked", description="multiplier before rounding", form=".3f"),
    Column(
        "resolution_obtained", "Resolution obtained", description="pixels divided by the base's", form=".3f"
    ),
    Column("alpha", "alpha", description="coefficient of depth, if the rule has one", type="number"),
    Column("beta", "beta", description="coefficient of width", type="number"),
    Column("gamma", "gamma", description="coefficient of resolution", type="number"),
    Column("base", "Base", description="canonical string of the network that was scaled"),
    Column("architecture", "Architecture", description="canonical string, which `scale --base` accepts"),
    Column("source", "Source", description="paper or code that the rule or the published network comes from"),
    Column("family", "Family", description="family of a published network"),
    Column("note", "Note", description="differences between publication and code"),
)
"""The columns of data formats such as CSV and JSON."""


def model_row(model: ScaledModel) -> Row:
    """Return the row of a scaled network."""
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
        "nearest": published.name if (published := near(model.architecture)) else None,
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
    """Return the row of a published network. It has no phi and no rule, since it is not the result of a formula."""
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
