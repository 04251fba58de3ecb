"""Completion in bash, zsh and fish, based on click's, for words such as `space=effv2` and `RUN:12`.

bash breaks such words at `=` and `:`, the other shells do not. Therefore each shell sends the line up to the cursor
and receives whole words. For bash, the part before the last break is removed from them. No space is added after a
word that ends in `=`, `.`, `:` or `,`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from click import Command
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, split_arg_string


class _Shell(ShellComplete):
    """A shell whose script passes the command line, up to the cursor, in the environment variable COMP_LINE."""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        incomplete = words.pop() if words and not line[-1].isspace() else ""
        return words[1:], incomplete

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        from space import UserError

        try:
            return super().get_completions(args, incomplete)
        except (UserError, OSError):  # A mistake in an earlier word is reported when the command runs.
            return []

    def format_completion(self, item: CompletionItem[str]) -> str:
        return f"{item.type},{item.value}"


class Bash(_Shell):
    """bash 4.4 and later."""

    name = "bash"
    source_template = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
            plain) COMPREPLY+=("$value"); [[ $value == *[=.:,] ]] && compopt -o nospace ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:$COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def format_completion(self, item: CompletionItem[str]) -> str:
        word = re.search(r"\S*$", os.environ["COMP_LINE"])
        typed = word.group() if word else ""
        breaks = set(os.environ.get("COMP_WORDBREAKS", "=:")) & {"=", ":"}
        # bash does not break words inside quotes.
        last = -1 if typed[:1] in ("'", '"') else max((typed.rfind(mark) for mark in breaks), default=-1)
        return f"{item.type},{str(item.value).removeprefix(typed[: last + 1])}"


class Zsh(_Shell):
    """zsh 5 and later."""

    name = "zsh"
    source_template = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local type value
    local -a whole open
    while IFS=, read -r type value; do
        case $type in
            file) compset -P '*='; _files ;;
            dir) _files -/ ;;
            plain) if [[ $value == *[=.:,] ]]; then open+=("$value"); else whole+=("$value"); fi ;;
        esac
    done < <(COMP_LINE="${words[1,CURRENT]}" %(complete_var)s=zsh_complete "$words[1]" 2>/dev/null)
    (( $#open )) && compadd -Q -V settings -S '' -a open
    (( $#whole )) && compadd -Q -V values -a whole
}
compdef %(complete_func)s %(prog_name)s
"""


class Fish(_Shell):
    """fish 3 and later, which also shows a description of each word."""

    name = "fish"
    source_template = """\
function %(complete_func)s
    set -l line (commandline -cp | string collect)
    for found in (env COMP_LINE=$line %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
        set -l parts (string split -m 1 , -- $found)
        switch $parts[1]
            case file dir
                set -l before (string replace -r '[^=]*$' '' -- (commandline -ct))
                for path in (__fish_complete_path (string replace -r '^.*=' '' -- (commandline -ct)))
                    echo $before$path
                end
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --keep-order --command %(prog_name)s --arguments "(%(complete_func)s)"
"""

    def format_completion(self, item: CompletionItem[str]) -> str:
        return super().format_completion(item) + (f"\t{item.help}" if item.help else "")


SHELLS = {shell.name: shell for shell in (Bash, Zsh, Fish)}


def register() -> None:
    """Make click use the classes of this module for bash, zsh and fish, in this process."""
    for shell in SHELLS.values():
        add_completion_class(shell)


def script(shell: str, programs: Iterable[str]) -> str:
    """Return the completion script of `shell` for `programs`. Raises `UserError` for an unknown shell."""
    from space.refusal import unknown_name

    if shell not in SHELLS:
        raise unknown_name("shell", shell, SHELLS)
    scripts = (SHELLS[shell](Command(name), {}, name, f"_{name.upper()}_COMPLETE") for name in programs)
    return "".join(script.source() for script in scripts)
