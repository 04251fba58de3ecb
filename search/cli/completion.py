"""The command `search completion`."""

from __future__ import annotations

import click

from search.cli.completers import words
from search.cli.shells import SHELLS, script

_USE = """\b
bash   source <(search completion bash)          in ~/.bashrc
zsh    source <(search completion zsh)           in ~/.zshrc, after compinit
fish   search completion fish | source           in ~/.config/fish/config.fish
"""


@click.command(epilog=_USE)
@click.argument("shell", shell_complete=words(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of bash, zsh or fish.

    The script completes the words of `search` and `scale`: commands, options, settings and their values, runs,
    trials, networks, formats and columns.
    """
    click.echo(script(shell, ("search", "scale")), nl=False)
