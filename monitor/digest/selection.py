"""One recipient's part of a digest: what their selection lets through, and how much it leaves out. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor import text
from monitor.digest.compose import counts_of, in_order
from monitor.digest.importance import order
from monitor.models import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from monitor.models import Digest, DigestStory, Selection, StoryEntry


def select(
    digest: Digest,
    selection: Selection,
    *,
    labels: Sequence[tuple[str, str]] = (),
    several: Collection[Digest] = (),
) -> Digest:
    """Return the part of a whole digest that a selection lets through.

    `several` are the digests of earlier days that it also holds. What the selection would have let through on
    one of those days is told, because a story that grows may lose a theme.

    `labels` are those of beats and themes in the selection's language, if that is not the digest's.

    What the receipt says about feeds, gaps and deliveries stays whole, because it is about what could have
    been told.
    """
    earlier = (story for one in several for story in one.stories if wants(selection, story))
    let_through = {report.entry for story in earlier for report in story.reports if report.new}
    stories = _led(
        [
            story
            for story in digest.stories
            if wants(selection, story)
            or any(report.new and report.entry in let_through for report in story.reports)
        ]
    )
    perhaps = tuple(entry for entry in digest.perhaps if _wants_perhaps(selection, entry))
    kept = {report.entry for report in (*perhaps, *(one for story in stories for one in story.reports))}
    told = counts_of(stories)
    return replace(
        digest,
        language=selection.language or digest.language,
        labels=tuple((slug, text.clean(label)) for slug, label in labels) or digest.labels,
        stories=stories,
        perhaps=perhaps,
        late=tuple(report for report in digest.late if report.entry in kept),
        receipt=replace(digest.receipt, **told._asdict()),
        part=Part(
            selection=selection,
            stories=len(digest.stories) - len(stories),
            perhaps=len(digest.perhaps) - len(perhaps),
            several=bool(several),
        ),
    )


def with_reported(digest: Digest, earlier: Iterable[Digest], passed_over: Collection[str]) -> Digest:
    """Add stories that cannot be shown anew in the form in which earlier digests showed them.

    `passed_over` are handles of stories and entries: when an entry cannot be read, its story is never
    reached.
    """
    shown = {story.id for story in digest.stories}
    there = {report.entry for story in digest.stories for report in story.reports}
    told: dict[int, DigestStory] = {}
    for story in (story for one in earlier for story in one.stories):
        names = {f"s{story.id}", *(f"e{report.entry}" for report in story.reports)}
        if story.id in shown or names.isdisjoint(passed_over):
            continue
        before = told[story.id].reports if story.id in told else ()
        # A split may have put one of them elsewhere since.
        reports = {one.entry: one for one in (*story.reports, *before) if one.entry not in there}
        fresh = {one.entry for one in (*story.reports, *before) if one.new}
        both = [replace(one, new=one.entry in fresh) for one in reports.values()]
        if fresh & reports.keys():
            in_their_order = tuple(sorted(both, key=lambda one: not one.new))
            told[story.id] = replace(story, reports=in_their_order, lead=False)
    if not told:
        return digest
    others = (replace(story, lead=False) for story in digest.stories)
    return replace(digest, stories=in_order((*others, *told.values())))


def _led(stories: Sequence[DigestStory]) -> tuple[DigestStory, ...]:
    """Let the most important of these lead, and leave the others in their order."""
    # In digests of version 1.0 the first one leads, and their scores mean something else.
    if not any(story.importance for story in stories):
        return tuple(stories)
    lead = min(stories, key=order)
    return (replace(lead, lead=True), *(story for story in stories if story is not lead))


def wants(selection: Selection, story: DigestStory) -> bool:
    """Say whether a selection lets a story through: the story must meet everything that is set.

    For languages, only new reports count: an English story that only German outlets continue today has
    nothing to read in English.
    """
    new = (report.language for report in story.reports if report.new)
    return (
        _meets(selection.themes, story.themes)
        and _meets(selection.beats, story.beats)
        and _speaks(selection.languages, new)
        and story.score >= selection.min_score
    )


def _wants_perhaps(selection: Selection, entry: StoryEntry) -> bool:
    # Unsure entries have no score and, in digests made before 1.1, no beats by which to choose.
    if selection.min_score > 0:
        return False
    judged = not entry.beats or (
        _meets(selection.themes, entry.themes) and _meets(selection.beats, entry.beats)
    )
    return judged and _speaks(selection.languages, [entry.language])


def _meets(wanted: Collection[str], found: Collection[str]) -> bool:
    return not wanted or any(slug in wanted for slug in found)


def _speaks(wanted: Collection[str], found: Iterable[str]) -> bool:
    # An unknown language may be a wanted one: better a line too many than a missed story.
    return not wanted or any(not language or language in wanted for language in found)
