"""Train the matcher's weights on labelled records: `python -m monitor.cluster.train FILE… > model.toml`.

A FILE holds JSON lines as docs describe them (title, summary, lang, published, beats, story). Every pair of relevant records
within the longest time is an example; a ridge-penalised logistic regression weighs the features, once without and,
where the `semantic` extra is installed, once with the encoder.
"""

from __future__ import annotations

import json
import math
import sys
from base64 import b64encode
from collections import Counter
from datetime import UTC, datetime
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.cluster import match
from monitor.cluster.copies import source
from monitor.cluster.encoder import DIMENSIONS, Encoder, likeness, topic, without_topic
from monitor.cluster.traits import traits
from monitor.models import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LONGEST_DAYS = 25
_PENALTY = 10.0
_DIRECTIONS = 3
"""Main directions of all texts that tell the topic, not the event."""
_STEPS = 25
_LEAST_DOCUMENTS = 3
"""A term of fewer training texts is no common term."""


def examples(
    entries: Sequence[Entry], stories: Sequence[str], vectors: Sequence[Any] = ()
) -> Iterator[tuple[dict[str, float], bool]]:
    """Yield the features of each pair of entries near in time, and whether they share a story."""
    own = [traits(entry) for entry in entries]
    counts = Counter(term for each in own for term in each.terms())
    rarity = match.Rarity(match.TermCounts(documents=len(own), counts=counts), 0, {})
    weighed = [match.weigh(each, rarity, source(entry, {})) for entry, each in zip(entries, own, strict=True)]
    for i, one in enumerate(weighed):
        for j in range(i):
            if abs(one.traits.day - own[j].day) <= _LONGEST_DAYS:
                alike = likeness(vectors[i], vectors[j]) if len(vectors) else None
                yield match.features(one, weighed[j], alike), stories[i] == stories[j]


def fit(pairs: Iterable[tuple[dict[str, float], bool]], penalty: float = _PENALTY) -> dict[str, float]:
    """Return the weights of a logistic regression with a ridge penalty on standardised features (Newton's method)."""
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


def read(paths: Iterable[str]) -> tuple[list[Entry], list[str]]:
    """Return the relevant records of labelled files as entries, with their stories."""
    records = [
        json.loads(line)
        for path in paths
        for line in Path(path).read_text("utf-8").splitlines()
        if line.strip()
    ]
    records = [record for record in records if record.get("beats") and record.get("published")]
    entries = []
    for record in records:
        published = datetime.fromisoformat(record["published"]).replace(tzinfo=UTC)
        entries.append(
            Entry(
                feed=record.get("source") or "",
                url=record.get("url") or "",
                title=record["title"],
                summary=record.get("summary") or "",
                language=record.get("lang") or "",
                published=published,
                first_seen=published,
            )
        )
    return entries, [record["story"] for record in records]


def main(paths: Sequence[str]) -> None:
    """Train on the files and write the model, as TOML, to standard output."""
    entries, stories = read(paths)
    counts = Counter(term for entry in entries for term in traits(entry).terms())
    rows = Encoder().encode(
        [text for entry in entries for text in (entry.title, entry.summary or entry.title)]
    )
    main_directions = topic(rows, _DIRECTIONS)
    vectors = without_topic(rows, main_directions).reshape(-1, 2, DIMENSIONS)
    write = sys.stdout.write
    write("# Written by `python -m monitor.cluster.train`; see train.py.\n")
    write(f"documents = {len(entries)}\n")
    write(
        "# The mean and the main directions of the training texts' vectors: the topic, which encoder.py takes out.\n"
    )
    write(f'topic = "{b64encode(main_directions).decode()}"\n')
    for table, given in (("weights", ()), ("semantic", list(vectors))):
        write(f"\n[{table}]\n")
        for name, weight in fit(examples(entries, stories, given)).items():
            write(f"{name} = {weight:.3f}\n")
    write("\n# In how many of the training texts the common terms stood.\n[background]\n")
    for number in sorted({n for n in counts.values() if n >= _LEAST_DOCUMENTS}, reverse=True):
        write(f'{number} = "{" ".join(sorted(term for term, n in counts.items() if n == number))}"\n')


if __name__ == "__main__":
    main(sys.argv[1:])
