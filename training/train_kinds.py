"""Make the model of the kinds of event, monitor/cluster/kinds.tsv; `train_stories.py` calls this first.

An example is an entry with the kind of event that it reports. The examples are the reports in `stories/`,
with the `step` of their event, and `kinds.jsonl`, which has titles of the tagger's lines, labelled by reading
them. The model is a multinomial regression of their words with a ridge penalty (see
`monitor/cluster/kinds.py`). The same files give the same model.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tag_lines
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from monitor.cluster import kinds
from monitor.models import EVENT_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HERE = Path(__file__).parent
TITLES = HERE / "kinds.jsonl"
MODEL = HERE.parent / "monitor" / "cluster" / "kinds.tsv"
KINDS = (kinds.NONE, *EVENT_KINDS)
PENALTY = 1.0
LEAST = 2
"""A feature must be in at least this many examples."""
SMALLEST, LARGEST = 0.1, 0.25
"""Smaller weights are left out, and so are features without a larger one. This halves the file, and right
answers stay right.
"""

Example = tuple[dict[str, float], str, float]
"""Features, kind, and weight of the example."""


def examples(rows: Iterable[Mapping[str, Any]]) -> list[Example]:
    """Return records as examples; those of one event weigh as much as the root of their number."""
    rows = list(rows)
    sizes = Counter(row.get("event", "") for row in rows)
    return [
        (
            kinds.features(row["title"], row["summary"]),
            kind if (kind := row.get("kind", row.get("step"))) in EVENT_KINDS else kinds.NONE,
            sizes[row["event"]] ** -0.5 if "event" in row else 1.0,
        )
        for row in rows
    ]


def read(files: Iterable[Path]) -> list[Example]:
    """Read labelled titles or the reports of one author."""
    return examples(row for file in files for row in tag_lines.rows(file))


def fit(found: Sequence[Example]) -> kinds.Model:
    """Return the model of these examples. It never answers with a kind that none of them has."""
    count = Counter(name for features, _, _ in found for name in features)
    names = sorted(name for name, n in count.items() if n >= LEAST)
    places = {name: place for place, name in enumerate(names)}
    rows = [
        (number, places[name], value)
        for number, (features, _, _) in enumerate(found)
        for name, value in features.items()
        if name in places
    ]
    row, column, values = zip(*rows, strict=True)
    table = csr_matrix((values, (row, column)), shape=(len(found), len(names)))
    model = LogisticRegression(C=1 / PENALTY, max_iter=500, tol=1e-4)
    with threadpool_limits(1):  # one order of summation, so one model
        model.fit(table, [kind for _, kind, _ in found], sample_weight=[counted for _, _, counted in found])
    known = {kind: place for place, kind in enumerate(model.classes_)}
    present = tuple(kind for kind in KINDS if kind in known)
    order = [known[kind] for kind in present]
    weights = np.round(model.coef_[order], 2)
    return kinds.Model(
        kinds=present,
        bias=tuple(np.round(model.intercept_[order], 2).tolist()),
        weights={
            name: "\t".join(f"{k}:{w:g}" for k, w in enumerate(own) if abs(w) >= SMALLEST)
            for name, column in places.items()
            if np.abs(own := weights[:, column]).max() >= LARGEST
        },
    )


def written(model: kinds.Model) -> str:
    """Return a model as a table: the kinds, the bias of each, then what each feature adds to which kind."""
    lines = [
        "# Made by training/train_stories.py of stories, kinds.jsonl, events.toml. Do not edit: train anew.",
        "\t".join(model.kinds),
        "\t".join(f"{bias:g}" for bias in model.bias),
        *(f"{name}\t{row}" for name, row in model.weights.items()),
    ]
    return "\n".join(lines) + "\n"
