"""What a day was: news, quiet, or broken. Without news it is quiet only when enough feeds answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from monitor.digest.settings import Settings
    from monitor.models import Digest, Outcome, Receipt

_TOLERATED: Final = 0.25
"""The share of feeds without an answer from which nothing can be concluded any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How much of what is followed answered."""

    feeds: int
    """Followed and not switched off."""
    unanswered: int
    """Failing, gone, or never yet successfully polled."""
    polls: int

    @property
    def answered(self) -> int:
        """Feeds that answer."""
        return self.feeds - self.unanswered

    @property
    def conclusive(self) -> bool:
        """True when silence means that there was nothing."""
        return self.polls > 0 and self.unanswered < _TOLERATED * self.feeds


def coverage(receipt: Receipt) -> Coverage:
    """Return how many feeds answered."""
    states = [health.state for health in receipt.feeds if health.state != "disabled"]
    unanswered = sum(state in {"failing", "gone", "new"} for state in states)
    return Coverage(feeds=len(states), unanswered=unanswered, polls=receipt.polls)


def outcome(digest: Digest) -> Outcome:
    """Return what the day was."""
    if digest.stories:
        return "news"
    return "quiet" if coverage(digest.receipt).conclusive else "broken"


def worth_sending(digest: Digest, settings: Settings) -> bool:
    """Return whether the digest is delivered: only a quiet one that tells nothing at all may be held back."""
    return settings.send_if_empty or outcome(digest) != "quiet" or bool(digest.perhaps)
