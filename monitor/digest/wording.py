"""What the digest needs from a language; the languages package has the words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt


class Wording(Protocol):
    """Sentences, counts, days and numbers in the user's language."""

    @property
    def code(self) -> str:
        """Primary language subtag."""

    def text(self, key: str, **values: object) -> str:
        """Return the sentence of that key."""

    def plural(self, key: str, n: int) -> str:
        """Return a count with its noun."""

    def number(self, n: int) -> str:
        """Return a whole number."""

    def decimal(self, value: float) -> str:
        """Return a number with two decimal places."""

    def date(self, day: dt.date) -> str:
        """Return a day with its year."""

    def short_date(self, day: dt.date) -> str:
        """Return a day of this year."""

    def month(self, day: dt.date) -> str:
        """Return a day's month, with its year."""

    def long_date(self, day: dt.date) -> str:
        """Return a day in full."""

    def moment(self, instant: dt.datetime) -> str:
        """Return the day and wall time of an instant in the user's zone."""

    def kind(self, name: str) -> str:
        """Return the name of a kind of event, "" for one without a name."""

    def reason(self, text: str) -> str:
        """Return a reason that is kept in English in the user's language, as far as it has words for it."""

    def party(self, name: str) -> str:
        """Return what a party of an event is called."""
