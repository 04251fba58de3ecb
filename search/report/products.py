"""The table and the chart of products: a parent network, its chosen sub-networks and other models, fine-tuned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from search.models.model import Model
from search.report.axes import cost_axis, name_in_a_sentence
from search.report.document import Axis, Chart, Series
from search.report.palette import GREY, colour
from search.tables.table import Column, Row
from search.tables.writing import write
from search.training.products import Product, Products
from space import cost

Kind = Literal["points", "line", "marks"]
COLUMNS = (
    Column("product", "Product", description="the limit of a child, parent, or the name of another model"),
    Column("trial", "Trial", form="d", description="of the search that found the child"),
    Column("amount", "Cost", form=".4g", description="the limited one, in the unit of the limit"),
    Column("params", "Params", form="si"),
    Column("macs", "MACs", form="si"),
    Column("inherited", "Inherited", form=".4f", description="accuracy on the test split, not fine-tuned"),
    Column("tuned", "Fine-tuned", form=".4f", description="accuracy on the test split"),
    Column("folder", "Model"),
)


def row(product: Product, inherited: Model | None, tuned: Model) -> Row:
    """Return the row of a product, with the accuracies of the models that `search.training.products.make` returns."""
    spent = cost(product.task.architecture)
    return {
        "product": product.name,
        "trial": product.trial.number if product.trial else None,
        "amount": product.amount,
        "params": spent.params,
        "macs": spent.macs,
        "inherited": _accuracy(inherited),
        "tuned": _accuracy(tuned),
        "folder": str(product.folder),
    }


def write_products(products: Products, rows: Sequence[Row]) -> list[Path]:
    """Write the table of finished products as csv and Markdown, and the chart as PNG and SVG; return the files."""
    from search.report.figures import draw

    files = []
    for form in ("csv", "md"):
        files.append(products.out.with_name(f"{products.out.name}.{form}"))
        write(rows, COLUMNS, form, files[-1])
    return [*files, *draw(chart(products, rows), products.out)]


def chart(products: Products, rows: Sequence[Row]) -> Chart:
    """Return the chart of accuracy against the limited cost. Rows whose cost or accuracy is unknown are left out."""
    known = [one for one in rows if one["amount"] is not None and one["tuned"] is not None]
    children = sorted(
        (one for one in known if one["trial"] is not None), key=lambda one: float(one["amount"])
    )
    parent = [one for one in known if one["product"] == "parent"]
    others = [one for one in known if one not in children and one not in parent]
    series = [
        _series("children, fine-tuned", "line", children, "tuned", colour(0)),
        _series("children, fine-tuned", "points", children, "tuned", colour(0)),
        _series("children, as inherited", "points", children, "inherited", GREY),
        _series("parent, fine-tuned", "marks", parent, "tuned", colour(1)),
        *(_series(f"{one['product']}, fine-tuned", "marks", [one], "tuned", colour(2 + n))
          for n, one in enumerate(others)),
    ]  # fmt: skip
    return Chart(
        f"products-{products.cost}",
        f"Accuracy against {name_in_a_sentence(products.cost)}",
        cost_axis(products.cost),
        Axis("Accuracy on the test split", form=".2f"),
        tuple(one for one in series if one.xs),
        "One training of each.",
    )


def _series(name: str, kind: Kind, rows: Iterable[Row], key: str, place: int) -> Series:
    found = [one for one in rows if one[key] is not None]
    xs, ys = (tuple(float(one[of]) for one in found) for of in ("amount", key))
    return Series(name, kind, xs, ys, labels=tuple(str(one["product"]) for one in found), colour=place)


def _accuracy(model: Model | None) -> float | None:
    metric = model.metric("accuracy") if model else None
    return metric.value if metric else None
