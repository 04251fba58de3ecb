"""Help that lists every setting with the value that it has now."""

from __future__ import annotations

from collections.abc import Iterator

import click

from search.settings.groups import Group, groups, limits, typed

_WIDEST = 44
"""Of the left column, in characters: what is wider has its meaning on the next line."""


class Explained(click.Command):
    """A command of KEY=VALUE words, whose help says what each setting is, given those words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # --help is answered before arguments are read.
        ctx.meta[__name__] = typed(word for word in args if not word.startswith("-"))
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, rows in self.sections(ctx.meta.get(__name__, {})):
            with formatter.section(title):
                formatter.write_dl(rows, col_max=_WIDEST)

    def sections(self, chosen: dict[str, str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Titles, and under each the settings with their meanings; chosen: what was said of them."""
        for group in groups(chosen):
            yield f"{group.key}, {group.meaning}", _rows(group)
        yield "How much, and under what name", [(f"{s.key}={s.value}", s.meaning) for s in limits(chosen)]


def _rows(group: Group) -> list[tuple[str, str]]:
    if group.key == "space":
        inner = [(setting.key, setting.value) for setting in group.settings]
        inner += [
            ("space.stages.2.kernel=3,5", "sets one place, and space.stages.*.kernel=3 one of every stage")
        ]
    else:
        inner = [(f"{setting.key}={setting.value}", setting.meaning) for setting in group.settings]
    return [
        (f"{group.key}={group.name}", group.about),
        *((f"  or {name}", sentence) for name, sentence in group.others),
        *inner,
    ]
