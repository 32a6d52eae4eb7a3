"""The five answers to why something was, or was not, in a digest.

Takes `Facts`, gives an `Answer` of five lines: is the outlet followed, was the entry in a feed, was it
chosen, when and in which story was it told, and what would have changed that. Pure: `facts.py` collects the
facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

from monitor.text import counted, fold
from monitor.url import host_of, site_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime, tzinfo

    from monitor.models import Entry, FeedHealth, Story
    from monitor.tag import Explanation

Verdict = Literal["yes", "no", "perhaps", "off", "waiting", "held back", "unknown"]

# Letters that a word needs to be part of a proposed phrase.
_SHORTEST: Final = 3
_TERMS: Final = 3
# The highest certainty that is shown: it was not measured more finely.
_SUREST: Final = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Appearance:
    """The digest that reported an entry, and where in it."""

    date: date
    story: int
    """0 when the digest names none."""
    title: str
    place: int
    """By importance, which decides what is shown in full; 0 when it makes no story."""
    stories: int
    in_full: int
    """How many stories the digest tells in full; the rest have a line each."""
    perhaps: bool = False
    """It stood among those that are not sure."""
    also_in: int = 0
    """The entry under whose report it was named as "also in"; 0 when it had a report of its own."""
    repeats: bool = False
    """It brought nothing of its own: this one does not name it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A phrase that would have chosen the entry, and how many other stored entries hold it."""

    phrase: str
    target: str
    others: int
    """Entries that hold it and were not chosen, the entry itself left out: what it would let in besides."""
    days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known about the thing that was asked about."""

    asked: str
    entry: Entry | None = None
    """The stored entry, or one made of the text; None for an address that no feed has brought."""
    outlet: str = ""
    feeds: Sequence[FeedHealth] = ()
    """The entry's feed; of an address that no feed has brought, the feeds of its site."""
    gaps: int = 0
    """How often entries fell through between two polls of these feeds."""
    explanation: Explanation | None = None
    """By today's themes."""
    marked_at: datetime | None = None
    story: Story | None = None
    appearance: Appearance | None = None
    repeats: bool = False
    """It only repeats what was reported or rejected before its own digest, or by now if it had none."""
    rejected: int = 0
    """An entry of another feed with the same link that the user had marked as not relevant by then."""
    passed_over: bool = False
    """It was unsure and not among the few that its digest named, so no digest tells it."""
    next_digest: datetime | None = None
    backlog: str = ""
    """The setting by which old entries of a new feed are held back."""
    trial: Trial | None = None
    labels: Mapping[str, str]
    timezone: tzinfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One answer: in a word for programs, in a sentence for people."""

    question: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The five answers, in the order in which an entry could have been lost."""

    asked: str
    entry: int
    """0 for what is not stored."""
    title: str
    lines: tuple[Line, ...]

    def to_dict(self) -> dict[str, Any]:
        """Render as JSON-able values."""
        answers = {line.question: {"answer": line.verdict, "text": line.text} for line in self.lines}
        return {"asked": self.asked, "entry": self.entry or None, "title": self.title, **answers}


def answer(facts: Facts) -> Answer:
    """Return the five answers to why something was or was not reported."""
    entry = facts.entry
    return Answer(
        asked=facts.asked,
        entry=entry.id if entry else 0,
        title=entry.title if entry else "",
        lines=(_followed(facts), _known(facts), _chosen(facts), _reported(facts), _instead(facts)),
    )


def proposals(entry: Entry, stop: Collection[str]) -> list[str]:
    """Return phrases of two distinctive words from an entry's title, in the title's order."""
    words = [word.strip("\"'“”„‘’.,;:!?()[]«»…") for word in entry.title.split()]
    return [
        f"{one} {other}"
        for one, other in pairwise(words)
        if all(_is_distinctive(word, stop) for word in (one, other))
    ]


def _is_distinctive(word: str, stop: Collection[str]) -> bool:
    return word.isalpha() and len(word) >= _SHORTEST and fold(word) not in stop


def asked_site(asked: str) -> str:
    """Return the site of an address, which people often write without its scheme."""
    return site_of(asked if "://" in asked else f"https://{asked}")


def _followed(facts: Facts) -> Line:
    names = ", ".join(feed.title or feed.url for feed in facts.feeds)
    if facts.entry and not facts.entry.id:
        return Line(
            question="followed", verdict="unknown", text="a text by itself does not say who published it"
        )
    if not facts.feeds:
        where = facts.outlet or asked_site(facts.asked)
        ended = " any more" if facts.entry else ""
        return Line(question="followed", verdict="no", text=f"{where} is not followed{ended}")
    troubled = [feed for feed in facts.feeds if feed.state not in {"ok", "new"}]
    if len(troubled) < len(facts.feeds):
        return Line(question="followed", verdict="yes", text=f"yes: {names}")
    feed = troubled[0]
    reason = feed.note or feed.last_error
    text = f"{names} is {feed.state}" + (f": {reason}" if reason else "")
    return Line(question="followed", verdict="off" if feed.state == "disabled" else "yes", text=text)


def _known(facts: Facts) -> Line:
    entry = facts.entry
    if entry is None or not entry.id:
        text = "no feed has brought it" if entry is None else "no feed has brought it under this title"
        if facts.gaps:
            text += f"; entries fell through {facts.gaps} times between two polls of its feeds"
        elif facts.feeds and entry is None:
            text += ": its publisher may not have put it into the feed that is followed"
        return Line(question="known", verdict="no", text=text)
    text = f"first seen {_moment(entry.first_seen, facts)}"
    if entry.dated == "publisher":
        text += f", published {_moment(entry.published, facts)}"
    return Line(question="known", verdict="yes", text=text + (" (late)" if entry.late else ""))


def _chosen(facts: Facts) -> Line:
    entry, explanation = facts.entry, facts.explanation
    if entry is None or explanation is None:
        return Line(question="chosen", verdict="unknown", text="nothing is known of its text")
    tagging = entry.tagging if entry.id else explanation.tagging
    names = ", ".join(facts.labels.get(slug, slug) for slug in (*tagging.beats, *tagging.themes))
    if facts.marked_at is not None:
        text = f"you marked it on {_moment(facts.marked_at, facts)}: {names or 'not relevant'}"
        return Line(question="chosen", verdict="yes" if tagging.relevant else "no", text=text)
    # An entry of version 1.0 has only a score.
    figures = f"score {tagging.score:.2f}, the bar is 1.00"
    if tagging.certainty:
        figures = f"certainty {min(tagging.certainty, _SUREST):.0%}"
    if tagging.relevant:
        terms = _terms(explanation, tagging.beats)
        verdict: Verdict = "perhaps" if tagging.shelf == "perhaps" else "yes"
        return Line(question="chosen", verdict=verdict, text=f"{verdict} ({figures}): {names}{terms}")
    nearest = explanation.nearest
    if explanation.tagging.relevant:
        text = f"no ({figures}), but by today's themes it would be"
    elif nearest is None or nearest.score <= 0:
        text = f"no ({figures}): nothing in it speaks for any beat"
    else:
        label = facts.labels.get(nearest.slug, nearest.slug)
        text = f"no ({figures}): nearest to {label}{_terms(explanation, (nearest.slug,))}; {nearest.lacking}"
    return Line(question="chosen", verdict="no", text=text)


def _terms(explanation: Explanation, slugs: Iterable[str]) -> str:
    """Quote the words that spoke most for these beats."""
    wanted = set(slugs)
    found = sorted(
        (e for v in explanation.verdicts if v.slug in wanted for e in v.evidence if e.field and e.weight > 0),
        key=lambda e: -e.weight,
    )
    terms = dict.fromkeys(f"“{item.term}”" for item in found)
    return f", by {', '.join([*terms][:_TERMS])}" if terms else ""


def _reported(facts: Facts) -> Line:
    entry, shown = facts.entry, facts.appearance
    story = f" in story s{facts.story.id} “{facts.story.title}”" if facts.story else ""
    if shown is not None or facts.repeats:
        return _in_digest(shown, story, facts)
    if entry is None or not entry.id:
        return Line(question="reported", verdict="no", text="no digest could tell it")
    if not entry.tagging.relevant:
        return Line(question="reported", verdict="no", text="no: only what is chosen is told")
    if entry.backlog:
        text = f"held back{story}: it was old when its feed was new ([digest] backlog is {facts.backlog})"
        return Line(question="reported", verdict="held back", text=text)
    if facts.passed_over:
        text = "no: a digest names only the likeliest of those that are not sure, and only while they are new"
        return Line(question="reported", verdict="no", text=text)
    when = f"; the next digest is due {_moment(facts.next_digest, facts)}" if facts.next_digest else ""
    return Line(question="reported", verdict="waiting", text=f"not yet{story}{when}")


def _repeat(story: str, facts: Facts) -> str:
    """Say what something repeats that brings nothing of its own; `story` is the one that it is in now."""
    if facts.rejected:
        return f"no: you marked this article, from another feed, as not relevant (e{facts.rejected})"
    # Where it stands as a report of its own it repeats what another story had, or one that is no more.
    reports = facts.story.reports if facts.story else ()
    copies = {copy.id for report in reports for copy in report.copies}
    there = story if facts.entry and facts.entry.id in copies else ""
    return f"no: it only repeats a report that was told before{there}"


def _in_digest(shown: Appearance | None, story: str, facts: Facts) -> Line:
    """Say where in its digest something stood, or that it repeats; `story` is the one that it is in now."""
    if shown is None or facts.repeats:
        return Line(question="reported", verdict="no", text=_repeat(story, facts))
    place = ""
    if shown.place:
        rank = f"the {_ordinal(shown.place)} of {counted(shown.stories, 'story', 'stories')}"
        place = f"{story}, {rank if shown.stories > 1 else 'its only story'}"
    if shown.place > shown.in_full:
        place += f", in one line: the digest tells {shown.in_full} in full"
    place += ", among those that are not sure" if shown.perhaps else ""
    place += f", as “also in” with e{shown.also_in}" if shown.also_in else ""
    was = f"; there it was story s{shown.story}" if _moved(facts) else ""
    return Line(question="reported", verdict="yes", text=f"in the digest of {shown.date}{place}{was}")


def _moved(facts: Facts) -> bool:
    """Say whether the entry's story was merged or split since the digest."""
    shown, story = facts.appearance, facts.story
    return bool(shown and shown.story and story and shown.story != story.id)


def _instead(facts: Facts) -> Line:
    """Say what would have caught it, or, for what was reported, what would keep similar entries out."""
    entry, explanation = facts.entry, facts.explanation
    if entry is None:
        site = _address(facts.asked)
        other = _do("unknown", f"another feed of the site: monitor feeds discover {site}")
        return other if facts.feeds else _do("yes", f"follow it: monitor feeds add {site}")
    is_marked = facts.marked_at and entry.id and not entry.tagging.relevant
    if is_marked or (facts.repeats and facts.rejected):
        marked = entry.id if is_marked else facts.rejected
        return _do("yes", f"take your mark back: monitor mark e{marked} --clear")
    if facts.appearance or (entry.id and entry.tagging.relevant and not entry.backlog):
        mark = f"monitor mark e{entry.id}"
        if_sure = _do("yes", f"{mark} --relevant makes it sure, and a story")
        not_lost = _do("no", f"nothing was lost; if it is not for you: {mark} --not-relevant")
        return if_sure if facts.passed_over else not_lost
    if entry.backlog and entry.tagging.relevant:
        return _do("yes", f"a longer [digest] backlog; it is stored: monitor search “{entry.title}”")
    if not (explanation and explanation.tagging.relevant):
        return _phrase(facts, f"monitor mark e{entry.id} --relevant" if entry.id else "")
    retag = "monitor retag applies today's themes to what is stored"
    return _do("yes", retag) if entry.id else _do("unknown", "a feed that brings it: it would be chosen")


def _phrase(facts: Facts, mark: str) -> Line:
    """Say which phrase would have chosen an entry, and how to correct it by hand."""
    if facts.trial is None:
        own = 'a phrase of your own: monitor themes test "PHRASE" --target BEAT'
        return _do("unknown", f"{mark}; or {own}" if mark else own)
    trial = facts.trial
    besides = f"{trial.others} other {'entry' if trial.others == 1 else 'entries'} of {trial.days} days"
    phrase = f"the phrase “{trial.phrase}” (it would let in up to {besides})"
    test = f'monitor themes test "{trial.phrase}" --target {trial.target}'
    return _do("yes", f"{phrase}: {test}" + (f"; or {mark}" if mark else ""))


def _do(verdict: Verdict, text: str) -> Line:
    return Line(question="instead", verdict=verdict, text=text)


def _address(asked: str) -> str:
    scheme, found, _ = asked.partition("://")
    whole = asked if found else f"https://{asked}"
    return f"{scheme if found else 'https'}://{host_of(whole) or asked}"


def _moment(moment: datetime, facts: Facts) -> str:
    return f"{moment.astimezone(facts.timezone):%Y-%m-%d %H:%M}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in {11, 12, 13} else ending}"


def same_title(one: str, other: str) -> bool:
    """Say whether two titles differ in nothing but case, spelling of letters and marks."""
    return _letters(one) == _letters(other)


def _letters(title: str) -> str:
    return "".join(filter(str.isalnum, fold(title)))
