"""Make the matcher of stories: `python training/train_stories.py` writes kinds.tsv and model.toml.

It needs the extras `train` and `semantic`. Kinds of event come first (`train_kinds.py`).

Every pair of reports within twelve days, of one hand, is an example: one event, or two. So are pairs of the
tagger's lines drawn by lot, always of two events: the hands' reports have siblings, in life most have none.
A ridge-penalised logistic regression weighs the features of `monitor/cluster/match.py`; a second one, with
the encoder, those of pairs in two languages. The same records give the same model. `--left-out` prints what a
model made from the other hands makes of each hand. Pairs of a hand's events, of one affair or of two, weigh
what stories share (`monitor/cluster/affairs.py`).
"""

from __future__ import annotations

import random
import sys
from base64 import b64encode
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import tag_lines
import train_kinds
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from monitor import cluster
from monitor.cluster import affairs, encoder, kinds, match
from monitor.cluster.copies import Sources
from monitor.cluster.match import log_odds
from monitor.cluster.traits import terms, traits
from monitor.encoder import DIMENSIONS, encode
from monitor.evaluate.stories import replay, score
from monitor.models import Entry, PastStory, Story, TermCounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).parent
RECORDS, LINES = HERE / "stories", HERE / "lines"
PACKAGE = HERE.parent / "monitor" / "cluster"
MODEL, KNOWLEDGE = PACKAGE / "model.toml", PACKAGE / "events.toml"
NEVER = "2026-01-01T00:00:00Z"
LONGEST = 12
"""Days between two reports that are compared: a story takes no more reports after ten."""
PENALTY = 100.0
"""Several times what fits the training pairs best: other hands and years write otherwise."""
LEVEL = -2.35
"""Log-odds at which a join was right often enough where a hand was left out: there the threshold stands."""
POSITIVE = 2.0
"""What a pair of one event counts beside a pair of two; each report counts alike, however large its story."""
LEVEL_SEMANTIC = -1.8
"""The same, of pairs in two languages, with the encoder: by each hand left out as right as words (.001)."""
LEVEL_OF_STEPS = log_odds(cluster.Settings().threshold) - 0.2
"""By which two stories are of one affair from a chance of .45: of links that the hands call wrong more
than half are a wider affair that a reader follows too (two suits against one firm in a week)."""
PENALTY_OF_STEPS = 10.0
DIRECTIONS = 3
"""Main directions of all texts that tell the topic, not the event."""
DOCUMENTS = 1000
"""What the background counts as, beside a user's own archive: as so many of their entries."""
LOTS, DRAWN = {"en": 1200, "de": 800}, 20000
"""How many lines of each language, and pairs of them, are drawn."""
STRANGER = 0.45
"""What a pair drawn by lot counts."""
APART = (0, 0, 0, 1, 2, 3, 4, 6, 8)
"""Days between two lines, which have none of their own."""
LEAST = 0.7
"""A term that stands in fewer of a thousand lines is no common term."""


@dataclass(frozen=True, slots=True)
class Hand:
    """One author's reports, in order of time: the event of each in the same order."""

    name: str
    entries: tuple[Entry, ...]
    events: tuple[str, ...]
    affairs: tuple[str, ...] = ()
    """Of each entry's event; "" where it is a step of none."""


def read(directory: Path = RECORDS) -> list[Hand]:
    """Read the records, a file a hand."""
    found = []
    for file in sorted(directory.glob("*.jsonl")):
        rows = sorted(tag_lines.rows(file), key=lambda row: row["published"])
        entries = tuple(_entry(number, row) for number, row in enumerate(rows))
        events, cases = (tuple(row.get(key) or "" for row in rows) for key in ("event", "affair"))
        found.append(Hand(file.stem, entries, events, cases))
    return found


def _entry(number: int, row: Mapping[str, str]) -> Entry:
    published = datetime.fromisoformat(row["published"])
    return Entry(
        id=number,
        feed=row["source"],
        url=row["url"],
        title=row["title"],
        summary=row["summary"],
        language=row["lang"],
        published=published,
        first_seen=published,
    )


def fingerprint(directory: Path = RECORDS) -> dict[str, str]:
    """Return what a model is made from, as it notes it."""
    sources = {
        "records": sorted(directory.glob("*.jsonl")),
        "lines": sorted(LINES.glob("*.jsonl")),
        "knowledge": [KNOWLEDGE, train_kinds.TITLES],
    }
    return {
        name: sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
        for name, files in sources.items()
    }


def pairs(
    hand: Hand, common: Mapping[str, float], vectors: Sequence[Any] = ()
) -> Iterator[tuple[dict[str, float], bool, float]]:
    """Yield the features of each pair, whether it is one event, and what it counts."""
    weighed, sizes = list(_weighed(hand, common)), Counter(hand.events)
    for i, one in enumerate(weighed):
        for j in range(i + 1, len(weighed)):
            if weighed[j].traits.day - one.traits.day > LONGEST:
                break
            alike = encoder.likeness(vectors[i], vectors[j]) if len(vectors) else None
            same = hand.events[i] == hand.events[j]
            size, other = sizes[hand.events[i]], sizes[hand.events[j]]
            counted = POSITIVE / max(1, size - 1) if same else (size * other) ** -0.5
            yield match.features(one, weighed[j], alike), same, counted


def _weighed(hand: Hand, common: Mapping[str, float]) -> Iterator[match.Weighed]:
    own, sources, rarity = [traits(entry) for entry in hand.entries], Sources({}), _rarity(hand, common)
    for entry, each in zip(hand.entries, own, strict=True):
        yield match.weigh(each, rarity, sources.of(entry) if entry.url else "")


def _rarity(hand: Hand, common: Mapping[str, float]) -> match.Rarity:
    counts = Counter(term for entry in hand.entries for term in terms(entry))
    return match.Rarity(TermCounts(documents=len(hand.entries), counts=counts), DOCUMENTS, common)


def steps(hand: Hand, common: Mapping[str, float]) -> Iterator[tuple[dict[str, float], bool, float]]:
    """Yield the features of pairs of a hand's events that share a name, and if they are of one affair."""
    affair, rarity = dict(zip(hand.events, hand.affairs, strict=True)), _rarity(hand, common)
    past = {event: PastStory.of(story) for event, story in _stories(hand).items()}
    for one, other in combinations(past, 2):
        found = affairs.features(past[one], past[other], rarity)
        if found["rarest"]:
            yield found, affair[one] == affair[other] != "", 1.0


def affairs_told(hand: Hand, common: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return the affair of each event of a hand, and that which it is put into as events come one by one."""
    true, rarity = dict(zip(hand.events, hand.affairs, strict=True)), _rarity(hand, common)
    told: dict[str, int] = {}
    past: list[PastStory] = []
    for number, (event, bare) in enumerate(_stories(hand).items(), 1):
        story = replace(bare, id=number)
        known = affairs.RelatedStories(past, rarity, cluster.Settings().related_for)
        told[event] = known.affair(story, known.related(story)) or number
        past.append(replace(PastStory.of(story), affair=told[event]))
    return [(true[event] or event, f"a{affair}") for event, affair in told.items()]


def _stories(hand: Hand) -> dict[str, Story]:
    """Return the story of each event of a hand, in order of their first reports."""
    reports = defaultdict[str, list[Entry]](list)
    for entry, event in zip(hand.entries, hand.events, strict=True):
        reports[event].append(entry)
    return {event: _story(entries) for event, entries in reports.items()}


def _story(entries: Sequence[Entry]) -> Story:
    bare = Story(entries=tuple(entries), first_seen=entries[0].first_seen, last_seen=entries[-1].first_seen)
    return cluster.with_summary(bare, {}, cluster.Settings())


def fit(
    examples: Sequence[tuple[dict[str, float], bool, float]], level: float, penalty: float = PENALTY
) -> dict[str, float]:
    """Return the weights; the bias is such that `level` is the threshold's probability."""
    some = examples[0][0]
    names = [name for name in some if any(found[name] != some[name] for found, _, _ in examples)]
    table = np.array([[found[name] for name in names] for found, _, _ in examples], dtype=np.float64)
    mean, spread = table.mean(axis=0), table.std(axis=0)
    model = LogisticRegression(C=1 / penalty, max_iter=5000, tol=1e-8)
    with threadpool_limits(1):  # one order of adding up, one model
        model.fit(
            (table - mean) / spread,
            [same for _, same, _ in examples],
            sample_weight=[counted for _, _, counted in examples],
        )
    weights = dict(zip(names, (model.coef_[0] / spread).tolist(), strict=True))
    bias = float(model.intercept_[0] - (model.coef_[0] / spread) @ mean)
    return {"bias": bias + log_odds(cluster.Settings().threshold) - level, **weights}


def lots(directory: Path = LINES) -> Hand:
    """Return lines, relevant or of technology, drawn by lot: each an event of its own."""
    lot = random.Random(1)
    rows = [row for row in lines(directory) if row["beats"] or row.get("kind") == "technology"]
    drawn = [
        row
        for language, some in LOTS.items()
        for row in lot.sample([row for row in rows if row["lang"] == language], some)
    ]
    entries = tuple(
        _entry(number, {**row, "source": "", "url": "", "published": NEVER})
        for number, row in enumerate(drawn)
    )
    return Hand("lots", entries, tuple(map(str, range(len(entries)))))


def strangers(
    lines: Hand, common: Mapping[str, float], vectors: Sequence[Any] = ()
) -> Iterator[tuple[dict[str, float], bool, float]]:
    """Yield the features of pairs drawn by lot from lines, which are of two events, and what each counts."""
    lot, weighed = random.Random(2), list(_weighed(lines, common))
    for _ in range(DRAWN):
        one, other = lot.sample(range(len(weighed)), 2)
        alike = encoder.likeness(vectors[one], vectors[other]) if len(vectors) else None
        day = match.days(lot.choice(APART))
        yield match.features(weighed[one], weighed[other], alike) | day, False, STRANGER


def lines(directory: Path) -> list[dict[str, Any]]:
    """Read the tagger's lines."""
    return [row for file in sorted(directory.glob("*.jsonl")) for row in tag_lines.rows(file)]


def background(directory: Path = LINES) -> dict[str, float]:
    """Return in how many of a thousand entries the common terms stand, by the tagger's lines.

    Of their language, be it of those on our topic or of all: what is common in either tells little. The hands
    are no measure of that: they name the firms that they invented as often as OpenAI.
    """
    shares: dict[str, float] = {}
    known = lines(directory)
    for language in LOTS:
        own = [row for row in known if row["lang"] == language]
        for some in (own, [row for row in own if row["beats"]]):
            found = Counter[str]()
            for row in some:
                found.update(terms(_entry(0, {**row, "source": "", "url": "", "published": NEVER})))
            for term, n in found.items():
                shares[term] = max(shares.get(term, 0.0), round(n * DOCUMENTS / len(some), 1))
    return {term: share for term, share in shares.items() if share >= LEAST}


def made(
    hands: Sequence[Hand], drawn: Hand, rows: Mapping[str, Any], common: Mapping[str, float]
) -> match.Model:
    """Return a model; `rows` are the encoder's vectors of each hand's titles and summaries, {} without it."""
    lexical = fit(
        [*(example for hand in hands for example in pairs(hand, common)), *strangers(drawn, common)], LEVEL
    )
    topic, semantic = b"", dict[str, float]()
    if rows:
        topic = encoder.topic(np.vstack([rows[hand.name] for hand in hands]), DIRECTIONS)
        both = [(hand, vectors(rows[hand.name], topic)) for hand in hands]
        examples = [example for hand, found in both for example in pairs(hand, common, found)]
        examples += strangers(drawn, common, vectors(rows[drawn.name], topic))
        semantic = fit([one for one in examples if one[0]["languages_differ"]], LEVEL_SEMANTIC)
    found = [step for hand in hands for step in steps(hand, common)]
    of_affairs = fit(found, LEVEL_OF_STEPS, PENALTY_OF_STEPS)
    return match.Model(lexical, semantic, of_affairs, DOCUMENTS, common, topic)


def vectors(rows: Any, topic: bytes) -> Any:
    """Return the vectors of entries, each a row for its title and one for its summary."""
    return encoder.without_topic(rows, topic).reshape(-1, 2, DIMENSIONS)


def encoded(hands: Sequence[Hand]) -> dict[str, Any]:
    """Return the encoder's vectors of each hand's titles and summaries."""
    return {
        hand.name: encode([text for entry in hand.entries for text in encoder.texts(entry)]) for hand in hands
    }


def written(model: match.Model, sources: Mapping[str, str]) -> str:
    """Return a model as TOML, its weights to the thousandth."""
    lines = [
        "# Made by training/train_stories.py of stories, lines and events.toml. Do not edit: train anew.",
        *(f'{name} = "{value}"' for name, value in sources.items()),
        f"documents = {model.documents}",
        "# What all texts have in common: mean and main directions of their vectors (encoder.py).",
        f'topic = "{b64encode(model.topic).decode()}"',
    ]
    tables = {"weights": model.weights, "semantic": model.semantic, "affairs": model.affairs}
    for table, weights in tables.items():
        lines += ["", f"[{table}]", *(f"{name} = {weight:.3f}" for name, weight in weights.items())]
    lines += ["", f"# In how many of {DOCUMENTS} entries the common terms stand.", "[background]"]
    for share in sorted(set(model.background.values()), reverse=True):
        same = sorted(term for term, found in model.background.items() if found == share)
        lines.append(f'"{share}" = "{" ".join(same)}"')
    return "\n".join(lines) + "\n"


def left_out(hands: Sequence[Hand], drawn: Hand, rows: Mapping[str, Any]) -> None:
    """Print how a model made from the other hands tells the events of each."""
    common = background()
    for hand in hands:
        others = [other for other in hands if other is not hand]
        model = made(others, drawn, rows, common)
        with mock.patch.object(match, "model", lambda model=model: model):
            packed = {
                n: row.astype("<f2").tobytes() for n, row in enumerate(vectors(rows[hand.name], model.topic))
            }
            for name, given in (("lexical", None), ("semantic", packed)):
                found = score(zip(hand.events, replay(hand.entries, vectors=given), strict=True))
                print(f"{hand.name} {name}: B-cubed {found.bcubed} pairs {found.pairwise}")
            together = score(affairs_told(hand, common)).pairwise
        linked = [
            (affairs.log_odds(found, model.affairs) >= 0, same) for found, same, _ in steps(hand, common)
        ]
        print(f"{hand.name} links of affairs: {_share(linked)}; pairs of steps told as one: {together}")
        told = [(kind, true) for kind, true in kinds_left_out(hand, others) if kind]
        print(f"{hand.name} kinds: {sum(kind == true for kind, true in told)} of {len(told)} told are right")


def kinds_left_out(hand: Hand, others: Sequence[Hand]) -> list[tuple[str, str]]:
    """Return for each report of a hand the kind that a model of the other hands tells, and the true one."""
    files = [RECORDS / f"{other.name}.jsonl" for other in others]
    model = train_kinds.fit(train_kinds.read([*files, train_kinds.TITLES]))
    tested = train_kinds.read([RECORDS / f"{hand.name}.jsonl"])
    return [(kinds.told(kinds.shares(found, model), model), kind) for found, kind, _ in tested]


def _share(found: Sequence[tuple[bool, bool]]) -> str:
    """Return how many of what was said are right, and of how many that are true."""
    said = [true for said, true in found if said]
    return f"{sum(said)} of {len(said)} right, {sum(true for _, true in found)} true"


def main() -> None:
    """Make the model of all hands, or with --left-out measure."""
    hands, drawn = read(), lots()
    rows = encoded([*hands, drawn])
    if "--left-out" in sys.argv[1:]:
        left_out(hands, drawn, rows)
        return
    of_kinds = train_kinds.fit(train_kinds.read([*sorted(RECORDS.glob("*.jsonl")), train_kinds.TITLES]))
    train_kinds.MODEL.write_text(train_kinds.written(of_kinds), "utf-8")
    MODEL.write_text(written(made(hands, drawn, rows, background()), fingerprint()), "utf-8")


if __name__ == "__main__":
    main()
