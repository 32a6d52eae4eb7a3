"""`--help` with the commands in groups, each with its whole first sentence, which click would cut."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperGroup

GROUPS: Final = {
    "Set up": ("setup", "init", "check", "config", "feeds", "demo"),
    "Run": ("run", "poll", "digest", "digests", "status"),
    "Read": ("serve", "entries", "search", "stories", "report", "why", "explain"),
    "Correct": ("mark", "learn", "themes", "retag"),
    "Export and back up": ("export", "backup", "restore"),
    "Measure": ("replay", "tag", "evaluate"),
}
"""The commands by purpose, in the order in which one needs them."""


class Whole(TyperGroup):
    """A group of commands with whole sentences."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands."""
        self.write(ctx, formatter, "Commands", self.list_commands(ctx))

    def write(self, ctx: Any, formatter: Any, title: str, names: Any) -> None:
        """Write those of the named commands that there are, under a title."""
        found = [(name, command) for name in names if (command := self.get_command(ctx, name)) is not None]
        if found:
            with formatter.section(title):
                formatter.write_dl([(name, _sentence(command.help or "")) for name, command in found])


class Grouped(Whole):
    """The program's own commands, in GROUPS."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the groups; a command that is in none comes last."""
        known = {name for names in GROUPS.values() for name in names}
        others = [name for name in self.list_commands(ctx) if name not in known]
        for title, names in {**GROUPS, "More": others}.items():
            self.write(ctx, formatter, title, names)


def _sentence(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())
