"""Make the models of stories: `python training/train_stories.py` writes kinds.tsv and model.toml.

It needs the extras `train` and `semantic`. The kinds of event come first (`train_kinds.py`).

A logistic regression with a ridge penalty weighs the features of pairs of reports
(`monitor/cluster/match.py`); another one, with the encoder, those of pairs in two languages. Then the reports
of each author (a "hand") are clustered with what was learned from the others, and the groups that result
weigh what whole groups have in common (`monitor/cluster/fusion.py`). Pairs of events weigh what stories of
one affair have in common (`monitor/cluster/affairs.py`). `story_examples.py` says which examples there are.
The same records give the same model. `--left-out` prints how a model made from the other authors clusters the
reports of each.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import train_kinds
from sklearn.linear_model import LogisticRegression
from story_examples import (
    DOCUMENTS,
    RECORDS,
    Example,
    Hand,
    background,
    groups,
    late,
    lots,
    pairs,
    rarity_of,
    read,
    steps,
    stories_of,
    strangers,
)
from tag_lines import LINES
from threadpoolctl import threadpool_limits

from monitor import cluster
from monitor.cluster import affairs, encoder, kinds, match
from monitor.cluster.match import log_odds
from monitor.encoder import DIMENSIONS, encode
from monitor.evaluate.stories import replay, score
from monitor.models import PastStory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKAGE = Path(__file__).parents[1] / "monitor" / "cluster"
MODEL, KNOWLEDGE = PACKAGE / "model.toml", PACKAGE / "events.toml"
PENALTY = 100.0
"""Several times what fits the training pairs best, as other authors and other years write differently."""
LEVEL = -2.35
"""The log-odds of pairs at the threshold. `day.py` counts from it which pairs are compared as groups."""
LEVEL_OF_GROUPS = 0.4
"""The log-odds at which joins were right often enough with the author left out; the threshold is put there.
"""
PENALTY_OF_GROUPS = 10.0
LEVEL_SEMANTIC = -1.4
"""The same for pairs in two languages, with the encoder: for left-out authors as often right as words alone
(within .001).
"""
LEVEL_OF_STEPS = log_odds(cluster.Settings().threshold) - 0.2
"""Two stories are of one affair from a chance of .45 on. More than half of the links that the labels call
wrong are of a wider affair that a user follows as well (two suits against one firm in a week).
"""
PENALTY_OF_STEPS = 10.0
DIRECTIONS = 3
"""The main directions of the vectors of all texts, which tell their topic and not the event."""


def fingerprint(directory: Path = RECORDS) -> dict[str, str]:
    """Return hashes of what a model is made from, which the model records."""
    sources = {
        "records": sorted(directory.glob("*.jsonl")),
        "lines": sorted(LINES.glob("*.jsonl")),
        "knowledge": [KNOWLEDGE, train_kinds.TITLES],
    }
    return {
        name: sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
        for name, files in sources.items()
    }


def affairs_told(hand: Hand, common: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return the labelled affair of each event, and the one found as the events arrive one by one."""
    true, rarity = dict(zip(hand.events, hand.affairs, strict=True)), rarity_of(hand, common)
    told: dict[str, int] = {}
    past: list[PastStory] = []
    for number, (event, bare) in enumerate(stories_of(hand).items(), 1):
        story = replace(bare, id=number)
        known = affairs.RelatedStories(past, rarity, cluster.Settings().related_for)
        told[event] = known.affair(story, known.related(story)) or number
        past.append(replace(PastStory.of(story), affair=told[event]))
    return [(true[event] or event, f"a{affair}") for event, affair in told.items()]


def fit(examples: Sequence[Example], level: float, penalty: float = PENALTY) -> dict[str, float]:
    """Return the weights, with a bias that puts `level` at the probability of the threshold."""
    some = examples[0][0]
    names = [name for name in some if any(found[name] != some[name] for found, _, _ in examples)]
    table = np.array([[found[name] for name in names] for found, _, _ in examples], dtype=np.float64)
    mean, spread = table.mean(axis=0), table.std(axis=0)
    model = LogisticRegression(C=1 / penalty, max_iter=5000, tol=1e-8)
    with threadpool_limits(1):  # one order of summation, so one model
        model.fit(
            (table - mean) / spread,
            [same for _, same, _ in examples],
            sample_weight=[counted for _, _, counted in examples],
        )
    weights = dict(zip(names, (model.coef_[0] / spread).tolist(), strict=True))
    bias = float(model.intercept_[0] - (model.coef_[0] / spread) @ mean)
    return {"bias": bias + log_odds(cluster.Settings().threshold) - level, **weights}


@dataclass(frozen=True)
class Source:
    """What models are made from besides the labelled reports; what several models need is computed once."""

    drawn: Hand
    rows: Mapping[str, Any]
    """The encoder's vectors of each author's titles and summaries; {} without the encoder."""
    common: Mapping[str, float]
    _pairs: dict[str, list[Example]] = field(default_factory=dict)
    _weights: dict[tuple[str, ...], dict[str, float]] = field(default_factory=dict)
    _kinds: dict[tuple[str, ...], kinds.Model] = field(default_factory=dict)

    def weights(self, hands: Sequence[Hand]) -> dict[str, float]:
        """Return the weights of pairs, by words."""
        names = tuple(hand.name for hand in hands)
        if names not in self._weights:
            examples = [example for hand in hands for example in self._both(hand)]
            self._weights[names] = fit([*examples, *strangers(self.drawn, self.common)], LEVEL)
        return self._weights[names]

    def _both(self, hand: Hand) -> list[Example]:
        """Return an author's pairs as they are and with late reports, each with half the weight."""
        if hand.name not in self._pairs:
            found = [example for some in (hand, late(hand)) for example in pairs(some, self.common)]
            self._pairs[hand.name] = [(features, same, counted / 2) for features, same, counted in found]
        return self._pairs[hand.name]

    def kinds(self, hands: Sequence[Hand]) -> kinds.Model:
        """Return the model of kinds made from these authors and the titles."""
        names = tuple(hand.name for hand in hands)
        if names not in self._kinds:
            files = [file for name in names if (file := RECORDS / f"{name}.jsonl").exists()]
            self._kinds[names] = train_kinds.fit(train_kinds.read([*files, train_kinds.TITLES]))
        return self._kinds[names]

    def groups(self, hand: Hand, others: Sequence[Hand]) -> list[Example]:
        """Return an author's groups, as they are and with late reports, by what other authors taught."""
        no = {"bias": 0.0}
        bare = match.Model(self.weights(others), no, no, no, DOCUMENTS, self.common, b"")
        with in_place(bare, self.kinds(others)):
            return [example for some in (hand, late(hand)) for example in groups(some)]


@contextmanager
def in_place(model: match.Model, of_kinds: kinds.Model) -> Iterator[None]:
    """Use these models instead of the shipped ones within the block."""
    with (
        mock.patch.object(match, "model", return_value=model),
        mock.patch.object(kinds, "model", return_value=of_kinds),
    ):
        kinds.chances.cache_clear()
        yield
    kinds.chances.cache_clear()


def made(hands: Sequence[Hand], source: Source) -> match.Model:
    """Return a model made from these authors."""
    topic, semantic, common = b"", dict[str, float](), source.common
    if source.rows:
        topic = encoder.topic(np.vstack([source.rows[hand.name] for hand in hands]), DIRECTIONS)
        both = [(hand, vectors(source.rows[hand.name], topic)) for hand in hands]
        examples = [example for hand, found in both for example in pairs(hand, common, found)]
        lots = strangers(source.drawn, common, vectors(source.rows[source.drawn.name], topic))
        semantic = fit([*examples, *(one for one in lots if one[0]["languages_differ"])], LEVEL_SEMANTIC)
    # The groups of each author come from what the others taught; from its own reports they would be more
    # certain than groups of new reports.
    apart = [(hand, [other for other in hands if other is not hand] or [hand]) for hand in hands]
    grouped = [example for hand, others in apart for example in source.groups(hand, others)]
    of_groups = fit(grouped, LEVEL_OF_GROUPS, PENALTY_OF_GROUPS)
    found = [step for hand in hands for step in steps(hand, common)]
    of_affairs = fit(found, LEVEL_OF_STEPS, PENALTY_OF_STEPS)
    return match.Model(source.weights(hands), semantic, of_groups, of_affairs, DOCUMENTS, common, topic)


def vectors(rows: Any, topic: bytes) -> Any:
    """Return the vectors of entries, with one row for each title and one for each summary."""
    return encoder.without_topic(rows, topic).reshape(-1, 2, DIMENSIONS)


def encoded(hands: Sequence[Hand]) -> dict[str, Any]:
    """Return the encoder's vectors of each author's titles and summaries."""
    return {
        hand.name: encode([text for entry in hand.entries for text in encoder.texts(entry)]) for hand in hands
    }


def written(model: match.Model, sources: Mapping[str, str]) -> str:
    """Return a model as TOML, with weights in thousandths."""
    lines = [
        "# Made by training/train_stories.py of stories, lines and events.toml. Do not edit: train anew.",
        *(f'{name} = "{value}"' for name, value in sources.items()),
        f"documents = {model.documents}",
        "# What all texts have in common: mean and main directions of their vectors (encoder.py).",
        f'topic = "{b64encode(model.topic).decode()}"',
    ]
    for table in ("weights", "semantic", "fusion", "affairs"):
        weights = getattr(model, table)
        lines += ["", f"[{table}]", *(f"{name} = {weight:.3f}" for name, weight in weights.items())]
    lines += ["", f"# In how many of {DOCUMENTS} entries the common terms stand.", "[background]"]
    for share in sorted(set(model.background.values()), reverse=True):
        same = sorted(term for term, found in model.background.items() if found == share)
        lines.append(f'"{share}" = "{" ".join(same)}"')
    return "\n".join(lines) + "\n"


def left_out(hands: Sequence[Hand], source: Source) -> None:
    """Print how well a model made from the other authors finds the events of each."""
    for hand in hands:
        others = [other for other in hands if other is not hand]
        model, of_kinds = made(others, source), source.kinds(others)
        with in_place(model, of_kinds):
            rows = vectors(source.rows[hand.name], model.topic)
            for some, how in ((hand, ""), (late(hand), " late")):
                packed = {n: rows[entry.id].astype("<f2").tobytes() for n, entry in enumerate(some.entries)}
                for name, given in (("lexical", None), ("semantic", packed)):
                    found = score(zip(some.events, replay(some.entries, vectors=given), strict=True))
                    print(f"{hand.name}{how} {name}: B-cubed {found.bcubed} pairs {found.pairwise}")
            together = score(affairs_told(hand, source.common)).pairwise
        of_pairs = list(steps(hand, source.common))
        linked = [(affairs.log_odds(found, model.affairs) >= 0, same) for found, same, _ in of_pairs]
        print(f"{hand.name} links of affairs: {_share(linked)}; pairs of steps told as one: {together}")
        tested = train_kinds.read([RECORDS / f"{hand.name}.jsonl"])
        told = [(kinds.told(kinds.shares(found, of_kinds), of_kinds), kind) for found, kind, _ in tested]
        told = [(kind, true) for kind, true in told if kind]
        print(f"{hand.name} kinds: {sum(kind == true for kind, true in told)} of {len(told)} told are right")


def _share(found: Sequence[tuple[bool, bool]]) -> str:
    """Return as text how many positive answers are right, and how many should be positive."""
    given = [true for given, true in found if given]
    return f"{sum(given)} of {len(given)} right, {sum(true for _, true in found)} true"


def main() -> None:
    """Make the model from all authors, or with --left-out measure."""
    hands, drawn = read(), lots()
    source = Source(drawn, encoded([*hands, drawn]), background())
    if "--left-out" in sys.argv[1:]:
        left_out(hands, source)
        return
    train_kinds.MODEL.write_text(train_kinds.written(source.kinds(hands)), "utf-8")
    MODEL.write_text(written(made(hands, source), fingerprint()), "utf-8")


if __name__ == "__main__":
    main()
