"""Help that lists every setting with the value that follows from the KEY=VALUE words on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from search.settings.groups import Group

_WIDTH = 44
"""The width of the left column in characters. After a longer setting its meaning begins on the next line."""


class CommandWithSettings(click.Command):
    """A command of KEY=VALUE words. Its help lists the settings with the values that follow from these words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        from search.settings.groups import typed

        # click answers --help before it parses the arguments.
        ctx.meta[__name__] = typed(word for word in args if not word.startswith("-"))
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, rows in self.sections(ctx.meta.get(__name__, {})):
            with formatter.section(title):
                formatter.write_dl(rows, col_max=_WIDTH)

    def sections(self, chosen: dict[str, str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yield the title and the rows (setting, meaning) of each section of the help.

        chosen: the KEY=VALUE words on the command line, as a mapping.
        """
        from search.settings.groups import groups, limits
        from space.choices.loading import network_of

        if network_of(chosen.get("space", "")):  # The network may be the best one of a run.
            from search.engine.initial_networks import resolved

            chosen = chosen | {"space": resolved({"space": chosen["space"]})["space"]}
        for group in groups(chosen):
            yield f"{group.key}, {group.meaning}", _rows(group)
        yield (
            "Length, name and other settings of the run",
            [(f"{s.key}={s.value}", s.meaning) for s in limits(chosen)],
        )


_AROUND = "Other blocks, kernels, expansions, depths, widths and activations around a network, which is fitted to the"
_AROUND += " images and scaled down to the limits first if it is a published one."
_INSIDE = "The sub-networks of a network, which can inherit its trained weights (weights=FILE)."


def _rows(group: Group) -> list[tuple[str, str]]:
    if group.key == "space":
        inner = [(setting.key, setting.value) for setting in group.settings]
        inner += [("space.stages.2.kernel=3,5", "changes one stage; space.stages.*.kernel=3 changes all")]
    else:
        inner = [(f"{setting.key}={setting.value}", setting.meaning) for setting in group.settings]
    derived = (
        [("  or around:NETWORK", _AROUND), ("  or inside:NETWORK", _INSIDE)] if group.key == "space" else []
    )
    return [
        (f"{group.key}={group.name}", group.about),
        *((f"  or {name}", sentence) for name, sentence in group.others),
        *derived,
        *inner,
    ]
