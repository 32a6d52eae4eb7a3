"""Bars over time as SVG inside a page, with dates below and the same figures as a table. Pure.

Colours are classes of the style sheet, so that they follow light and dark mode. A screen reader gets the
title and the table. All numbers are ours, and the template escapes the labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 640
_HEIGHT: Final = 96
_WIDEST: Final = 40.0
# Dates below the bars, at most: more would run into each other on a phone.
_LABELS: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One step of time."""

    label: str
    count: int
    x: float
    width: float
    y: float
    height: float
    marked: bool
    """Whether its date stands below it."""
    anchor: str
    """Where that text is held: "start", "middle" or "end", that it does not leave the picture."""
    middle: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A row of bars."""

    id: str
    """Unique on its page."""
    title: str
    bars: tuple[Bar, ...]
    width: int = WIDTH
    height: int = _HEIGHT


def chart(id_: str, title: str, points: Sequence[tuple[str, int]]) -> Chart | None:
    """Return a chart of counts by the label of their day or month; None where there is nothing to compare."""
    busiest = max((count for _, count in points), default=0)
    if not busiest or len(points) < 2:  # noqa: PLR2004 - one bar compares with nothing
        return None
    step = WIDTH / len(points)
    # A quarter of a step at most, so that a hundred bars do not vanish in their gaps.
    gap = max(min(4.0, step / 4), step - _WIDEST)
    every = -(-len(points) // _LABELS)
    bars = []
    for index, (label, count) in enumerate(points):
        height = round(count / busiest * _HEIGHT, 1)
        x = round(index * step + gap / 2, 1)
        width = round(step - gap, 1)
        bars.append(
            Bar(
                label=label,
                count=count,
                x=x,
                width=width,
                y=round(_HEIGHT - height, 1),
                height=height,
                marked=index % every == 0,
                anchor="start" if index == 0 else "middle",
                middle=x if index == 0 else round(x + width / 2, 1),
            )
        )
    return Chart(id=id_, title=title, bars=tuple(bars))
