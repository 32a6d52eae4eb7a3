"""Questions on a terminal, which flags may have answered: an answer that does not fit is asked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from monitor.cli.output import say
from monitor.cli.session import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


class Questions:
    """Asks until an answer fits; silently takes what is given or the default, and a misfit is wrong usage."""

    def __init__(self, *, silent: bool) -> None:
        self.silent = silent

    def tell(self, *lines: str) -> None:
        """Say what belongs to the questions; silently nothing."""
        if not self.silent:
            say(*lines)

    def value(
        self, question: str, flag: str, given: str | None, default: str, judge: Callable[[str], Any]
    ) -> Any:
        """Return the judged answer: what the flag was given, the user's, or the default."""
        if given is not None or self.silent:
            try:
                return judge(default if given is None else given)
            except ValueError as error:
                raise UsageError(f"--{flag}: {error}") from None
        while True:
            try:
                return judge(str(typer.prompt(question, default=default, err=True)).strip())
            except ValueError as error:
                say(f"  {error}")

    def whether(self, question: str, *, default: bool = True) -> bool:
        """Return yes or no; silently the default."""
        return default if self.silent else typer.confirm(question, default=default, err=True)

    def secret(self, question: str) -> str:
        """Return what is typed without showing it; silently nothing."""
        if self.silent:
            return ""
        return str(typer.prompt(question, default="", hide_input=True, show_default=False, err=True))
