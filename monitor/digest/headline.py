"""What kind of day it was, and a digest in one line: subject, preheader, its line in lists of days. Pure.

News, quiet and broken are told apart only here. Quiet is a claim, namely that there was nothing, and it takes
feeds that answered to make it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from monitor.digest.safe import line, link, title
from monitor.models import DigestSummary, StorySummary

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from monitor.digest.settings import Settings
    from monitor.digest.wording import Wording
    from monitor.models import Digest, DigestStory, Outcome, Receipt

# Longer than any program shows: the cut is ours, at the end of a word.
_SUBJECT: Final = 120
_PREHEADER: Final = 160
# The longest day has 25 hours, and a digest may be made late.
_DAY: Final = timedelta(hours=30)

# From this share of unanswered feeds on, nothing can be concluded.
_TOLERATED: Final = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How many of the followed feeds answered."""

    feeds: int
    """Followed and not switched off."""
    unanswered: int
    """Failing, gone, or never polled successfully; all feeds while our own network is down."""
    blind: bool
    """Nobody looked."""
    faults: bool
    """Something that came in is not reported, because of a bug of ours."""

    @property
    def answered(self) -> int:
        """How many feeds answered."""
        return self.feeds - self.unanswered

    @property
    def conclusive(self) -> bool:
        """True when silence means that there was nothing."""
        return not self.blind and not self.faults and self.unanswered < _TOLERATED * self.feeds


def coverage(receipt: Receipt) -> Coverage:
    """Return how many feeds answered."""
    states = [health.state for health in receipt.feeds if health.state != "disabled"]
    unanswered = sum(state in {"failing", "gone", "new"} for state in states)
    # In an outage no feed is called failing, as none is to blame, but nobody knows what they bring.
    unanswered = len(states) if receipt.unreached_since else unanswered
    return Coverage(
        feeds=len(states), unanswered=unanswered, blind=receipt.blind, faults=bool(receipt.faults)
    )


def outcome(digest: Digest) -> Outcome:
    """Return what kind of day it was."""
    if digest.stories:
        return "news"
    return "quiet" if coverage(digest.receipt).conclusive else "broken"


def worth_sending(digest: Digest, settings: Settings) -> bool:
    """Return whether the digest is delivered: only a quiet one that tells nothing may be held back."""
    return settings.send_if_empty or outcome(digest) != "quiet" or bool(digest.perhaps)


def leading(digest: Digest) -> DigestStory | None:
    """Return the story that opens a digest; in digests of version 1.0, the first one."""
    return next((story for story in digest.stories if story.lead), next(iter(digest.stories), None))


def subject(digest: Digest, words: Wording) -> str:
    """Return the subject: the leading story's title, or what kind of day it was; at most 120 characters."""
    named = {"brand": words.text("brand"), "date": span(digest, words.date, words)}
    lead = leading(digest)
    if lead:
        around = words.text("subject_news", **named, title="")
        return line(
            # The title alone is cut: brand and date, by which mail is sorted, stay whole.
            words.text("subject_news", **named, title=title(lead.title, _SUBJECT - len(around))),
            _SUBJECT,
        )
    if outcome(digest) == "quiet":
        others = left_out(digest, words)
        key = "subject_elsewhere" if others else "subject_quiet"
        return line(words.text(key, **named, others="".join(others[:1])), _SUBJECT)
    problem = words.text(f"problem_{_trouble(digest)}", **counts(digest, words))
    return line(words.text("subject_broken", **named, problem=problem), _SUBJECT)


def preheader(digest: Digest, words: Wording) -> str:
    """Return what a mail program shows beside the subject: why the first story leads, and its teaser.

    For a story reported before it is the latest title instead, as subject and teaser may be those of the
    earlier day.
    """
    lead = leading(digest)
    if lead is None:
        return line(f"{state(digest, words)}.", _PREHEADER)
    titles = (report.title for report in lead.reports if report.new and report.title != lead.title)
    news = lead.summary if lead.new else next(titles, lead.summary)
    return line(". ".join(filter(None, [" · ".join(why(lead, words)), news])), _PREHEADER)


def state(digest: Digest, words: Wording) -> str:
    """Describe a day without a sure story in one line: quiet, or broken."""
    if outcome(digest) == "quiet":
        others = left_out(digest, words)
        key = "state_perhaps" if digest.perhaps else "state_quiet"
        found = {**counts(digest, words), "others": ", ".join(others)}
        return words.text(f"{key}_elsewhere" if others else key, **found)
    return words.text(f"state_{_trouble(digest)}", **counts(digest, words))


def left_out(digest: Digest, words: Wording) -> tuple[str, ...]:
    """Return how much more the whole digest tells than this part of it: stories, then entries in doubt."""
    part = digest.part
    if part is None:
        return ()
    found = {"other_stories": part.stories, "other_perhaps": part.perhaps}
    return tuple(words.plural(key, n) for key, n in found.items() if n)


def summary(digest: Digest, words: Wording) -> str:
    """Describe a day in one line for lists of days: what was reported, or what kind of day it was."""
    receipt = digest.receipt
    if not digest.stories:
        return state(digest, words)
    return words.text(
        "counts",
        stories=words.plural("stories", receipt.stories),
        reports=words.plural("new_reports", receipt.reports),
        sources=words.plural("sources", receipt.sources),
    )


def why(story: DigestStory, words: Wording) -> tuple[str, ...]:
    """Return what happened, how many sources say so, and in how many languages, if more than one."""
    many = len(story.languages) > 1
    parts = (
        words.kind(story.kind),
        words.plural("sources", story.sources) if story.sources > 1 else "",
        words.plural("languages", len(story.languages)) if many else "",
    )
    return tuple(filter(None, parts))


def counts(digest: Digest, words: Wording) -> dict[str, str]:
    """Return how many feeds are followed and how many answered, in words."""
    reach = coverage(digest.receipt)
    return {
        "feeds": words.plural("feeds", reach.feeds),
        "answered": words.number(reach.answered),
        "unanswered": words.number(reach.unanswered),
    }


def span(digest: Digest, written: Callable[[date], str], words: Wording) -> str:
    """Return the digest's day, or the days from when to when if it covers more than its own."""
    day = written(digest.date)
    if not (digest.catches_up or holds_days(digest)):
        return day
    return words.text("span", start=written(local(digest.window.start, digest).date()), end=day)


def holds_days(digest: Digest) -> bool:
    """Say whether its news are those of several days: of them "today" would be untrue."""
    return digest.window.end - digest.window.start > _DAY or bool(digest.part and digest.part.several)


def local(instant: datetime, digest: Digest) -> datetime:
    """Return the instant in the user's zone."""
    return instant.astimezone(ZoneInfo(digest.timezone))


def _trouble(digest: Digest) -> str:
    reach = coverage(digest.receipt)
    if reach.faults:
        return "faults"
    if not reach.feeds:
        return "no_feeds"
    return "no_polls" if reach.blind else "feeds"


def summarise(digest: Digest, words: Wording) -> DigestSummary:
    """Return what the archive's lists show of a digest."""
    labels = {slug: line(label) for slug, label in digest.labels}
    counts = Counter[str]()
    for story in digest.stories:
        new = sum(report.new for report in story.reports)
        counts.update({labels.get(theme, line(theme)): new for theme in story.themes})
    order = [*labels.values(), *sorted(counts.keys() - set(labels.values()))]
    return DigestSummary(
        date=digest.date,
        made_at=digest.made_at,
        outcome=outcome(digest),
        lead=summary(digest, words),
        catches_up=digest.catches_up,
        stories=tuple(_summary(story, labels) for story in digest.stories),
        themes=tuple((label, counts[label]) for label in order if counts[label]),
    )


def _summary(story: DigestStory, labels: dict[str, str]) -> StorySummary:
    quoted = f"{line(story.summary, 600)} — {line(story.summary_outlet)}" if story.summary else ""
    return StorySummary(
        id=story.id,
        title=title(story.title),
        url=link(story.url),
        text=quoted,
        themes=tuple(labels.get(theme, line(theme)) for theme in story.themes),
        updated=story.last_seen,
    )
