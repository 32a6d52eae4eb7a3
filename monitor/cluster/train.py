"""Train the matcher on labelled records: `python -m monitor.cluster.train FILE[,FILE]... > model.toml`.

A file holds labelled JSON lines (title, summary, lang, source, url, published, beats, story). Files joined by
commas are one corpus, labelled by the same hands; only its own records are compared. Every pair of relevant
records that is near in time is an example; a ridge-penalised logistic regression weighs the features, without
and with the encoder. Needs the `semantic` extra. The same files give the same model.
"""

from __future__ import annotations

import json
import math
import sys
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, combinations, islice
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.cluster import match
from monitor.cluster.copies import Sources
from monitor.cluster.encoder import DIMENSIONS, Encoder, likeness, texts, topic, without_topic
from monitor.cluster.traits import terms, traits
from monitor.models import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_LONGEST_DAYS = 25
_PENALTY = 10.0
_DIRECTIONS = 3
"""Main directions of all texts that tell the topic, not the event."""
_STEPS = 25
_LEAST_DOCUMENTS = 3
"""A term of fewer training texts is no common term."""


_ONE_OUTLET = -1.5
"""The most that one outlet's name on both weighs against two reports: on a large day it brings several of one
event, and the records hold few such days."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled entries: the story of each in the same order."""

    entries: tuple[Entry, ...]
    stories: tuple[str, ...]


def examples(corpus: Corpus, vectors: Sequence[Any] = ()) -> Iterator[tuple[dict[str, float], bool]]:
    """Yield the features of each pair of entries near in time, and whether they share a story."""
    own = [traits(entry) for entry in corpus.entries]
    counts = Counter(term for each in own for term in each.terms())
    rarity = match.Rarity(match.TermCounts(documents=len(own), counts=counts), 0, {})
    weighed = [
        match.weigh(each, rarity, Sources({}).of(entry))
        for entry, each in zip(corpus.entries, own, strict=True)
    ]
    for i, j in combinations(range(len(own)), 2):
        if abs(own[i].day - own[j].day) <= _LONGEST_DAYS:
            alike = likeness(vectors[i], vectors[j]) if vectors else None
            yield match.features(weighed[i], weighed[j], alike), corpus.stories[i] == corpus.stories[j]


def fit(pairs: Iterable[tuple[dict[str, float], bool]], penalty: float = _PENALTY) -> dict[str, float]:
    """Return the weights of a ridge-penalised logistic regression over standardised features."""
    rows, labels = zip(*pairs, strict=True)
    names = list(rows[0])
    means = [sum(row[name] for row in rows) / len(rows) for name in names]
    spreads = [
        math.sqrt(sum((row[name] - mean) ** 2 for row in rows) / len(rows)) or 1.0
        for name, mean in zip(names, means, strict=True)
    ]
    table = [
        [(row[n] - m) / s for n, m, s in zip(names, means, spreads, strict=True)] + [1.0] for row in rows
    ]
    weights = [0.0] * len(table[0])
    for _ in range(_STEPS):
        step = _newton(table, labels, weights, penalty)
        weights = [weight - change for weight, change in zip(weights, step, strict=True)]
    scaled = {name: weight / spread for name, weight, spread in zip(names, weights, spreads, strict=False)}
    bias = weights[-1] - sum(scaled[name] * mean for name, mean in zip(names, means, strict=True))
    return {"bias": bias, **scaled}


def _newton(
    table: Sequence[list[float]], labels: Sequence[bool], weights: list[float], penalty: float
) -> list[float]:
    """Return Newton's step: the inverse Hessian times the gradient."""
    size = len(weights)
    ridge = [penalty] * (size - 1) + [1e-6]
    gradient = [r * w for r, w in zip(ridge, weights, strict=True)]
    hessian = [[ridge[i] if i == j else 0.0 for j in range(size)] for i in range(size)]
    for row, label in zip(table, labels, strict=True):
        p = match.probability(sum(map(mul, row, weights)))
        for i, value in enumerate(row):
            gradient[i] += (p - label) * value
            scaled, line = p * (1 - p) * value, hessian[i]
            for j in range(i + 1):
                line[j] += scaled * row[j]
    for i in range(size):
        for j in range(i):
            hessian[j][i] = hessian[i][j]
    return _solve(hessian, gradient)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a positive definite system by elimination."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i in range(size):
        for k in range(i + 1, size):
            ratio = rows[k][i] / rows[i][i]
            rows[k] = [below - ratio * above for below, above in zip(rows[k], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * found[j] for j in range(i + 1, size))
        found[i] = (rows[i][size] - known) / rows[i][i]
    return found


def read(paths: str) -> Corpus:
    """Return the relevant records of a corpus, its files joined by commas."""
    lines = [line for path in paths.split(",") for line in Path(path).read_text("utf-8").splitlines()]
    records = [json.loads(line) for line in lines if line.strip()]
    relevant = [record for record in records if record["beats"] and record["published"]]
    return Corpus(tuple(map(_entry, relevant)), tuple(record["story"] for record in relevant))


def _entry(record: dict[str, Any]) -> Entry:
    published = datetime.fromisoformat(record["published"]).replace(tzinfo=UTC)
    return Entry(
        feed=record["source"],
        url=record["url"],
        title=record["title"],
        summary=record["summary"],
        language=record["lang"],
        published=published,
        first_seen=published,
    )


def train(corpora: Sequence[Corpus], encode: Callable[[Sequence[str]], Any]) -> str:
    """Return a model, as TOML; `encode` turns texts into the encoder's own vectors."""
    entries = [entry for corpus in corpora for entry in corpus.entries]
    rows = encode([text for entry in entries for text in texts(entry)])
    common = topic(rows, _DIRECTIONS)
    vectors = iter(without_topic(rows, common).reshape(-1, 2, DIMENSIONS))
    meant = [list(islice(vectors, len(corpus.entries))) for corpus in corpora]
    lexical = fit(chain.from_iterable(examples(corpus) for corpus in corpora))
    semantic = fit(
        chain.from_iterable(examples(corpus, found) for corpus, found in zip(corpora, meant, strict=True))
    )
    counts = Counter(term for entry in entries for term in terms(entry))
    return "\n".join(
        (
            "# Written by `python -m monitor.cluster.train`; see train.py.",
            f"documents = {len(entries)}",
            "# What all texts have in common: mean and main directions of their vectors (encoder.py).",
            f'topic = "{b64encode(common).decode()}"',
            *_weights("weights", lexical),
            *_weights("semantic", semantic),
            *_background(counts),
        )
    )


def _weights(table: str, weights: Mapping[str, float]) -> Iterator[str]:
    yield f"\n[{table}]"
    eased = {**weights, "same_source": max(weights["same_source"], _ONE_OUTLET)}
    for name, weight in eased.items():
        yield f"{name} = {weight:.3f}"


def _background(counts: Mapping[str, int]) -> Iterator[str]:
    yield "\n# In how many of the training texts the common terms stood."
    yield "[background]"
    for number in sorted({n for n in counts.values() if n >= _LEAST_DOCUMENTS}, reverse=True):
        yield f'{number} = "{" ".join(sorted(term for term, n in counts.items() if n == number))}"'


if __name__ == "__main__":
    sys.stdout.write(train([read(paths) for paths in sys.argv[1:]], Encoder().encode) + "\n")
