"""Find acts that an entry refers to as done ("after the Sora leak") or tells ("Sora is leaked").

Stories about the product that is our topic all name it, so its name links none of them. A report that says
what it follows does. Takes texts, gives players with the kinds of their acts.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.cluster import kinds
from monitor.cluster.events import knowledge, plain_words
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# A title that stands for many events tells none of them, and what it seems to refer to is what it tells.
ROUND_UP = re.compile(
    r"""KI-Update | \b(?:kompakt|newsletter|podcast|weekly|daily|round-?up|recap|presseschau|digest)\b |
        ^die\ woche\b | ^(?:the|this)\ week\ in\b | \bthe\ papers\b | \bwochenr[üu]ckblick\b |
        \blive(?:blog|ticker)?: | ^\[ | \[(?:removed|updated)\]""",
    re.IGNORECASE | re.VERBOSE,
)
_AFTER = re.compile(
    r"""\b(?: after | following | in\ the\ wake\ of | amid | since | despite | over |
            nach | nachdem | seit | wegen | trotz )\b [^.,;:!?–—|]*""",
    re.IGNORECASE | re.VERBOSE,
)
# How many words after "after" may name the act.
_NEAR = 8
# How many words from a name a verb may stand to be about it.
_BESIDE = 2


def references(text: str, players: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the players whose acts a text refers to, each with the kind of the act.

    The act is named by a noun next to the player's name, or after a word such as "after". `players` are
    those of the whole entry, because "after the leak" does not say whose leak.
    """
    known = knowledge()
    raw = [word for word in plain_words(text) if word != "s"]  # from "Sora's exit"
    words = [fold(word) for word in raw]
    beside = {
        (known.players[one], known.acts[other])
        for place, (one, other) in enumerate(pairwise(words))
        if other in known.acts and one in known.players and raw[place][0].isupper()
    }
    yield from beside
    after = {fold(word) for clause in _AFTER.findall(text) for word in plain_words(clause)[1:_NEAR]}
    for kind in {known.acts[word] for word in after & known.acts.keys()} - {kind for _, kind in beside}:
        yield from ((player, kind) for player in players)


def acts(title: str) -> Iterator[tuple[str, str]]:
    """Yield the players that a title names, with the kinds of the words at most two words away."""
    players = knowledge().players
    raw = plain_words(title)
    words = [fold(word) for word in raw]
    for place, word in enumerate(words):
        if word in players and raw[place][0].isupper():
            near = words[max(0, place - _BESIDE) : place] + words[place + 1 : place + 1 + _BESIDE]
            yield from ((players[word], kind) for other in near for kind in kinds.of_word(other))
