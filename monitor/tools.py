"""What polls need and what is expensive to make, kept from poll to poll: rules, TLS context, reading process.

Takes a configuration; gives fetched responses, read documents and tagged entries.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from monitor import fetch, tag
from monitor.errors import place_of
from monitor.parse.worker import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.config import Config
    from monitor.models import Entry


# Some 300 ms of work, after which a stop or a tick is noticed.
_BATCH: Final = 100
# This many new entries at once are an archive and get no second look by meaning: for 2,000 entries on the
# subject it would take eleven seconds of CPU more (5.5 ms each, 1.3 ms without).
_ARCHIVE: Final = 300


def batched(entries: Sequence[Entry], size: int) -> list[Sequence[Entry]]:
    """Return entries in batches of at most `size`."""
    return [entries[start : start + size] for start in range(0, len(entries), size)]


class Tagged(NamedTuple):
    """What came of tagging."""

    entries: tuple[Entry, ...]
    """With what they are about."""
    faults: tuple[str, ...]
    """Where in our code tagging failed, for each entry that is missing here by a bug of ours."""


class Tools:
    """The tools of one configuration; an async context manager.

    Making them takes some 0.6 s, and most polls have only a few feeds to ask. So whoever polls often keeps
    them for as long as the configuration stays the same.
    """

    def __init__(self, config: Config) -> None:
        self.fetcher = fetch.Fetcher(config.fetch)
        self.parser = Parser(config.parse)
        self._config = config
        self._taggers: dict[bool, tuple[str, tag.Tagger]] = {}
        self._used = False
        """True once entries were tagged since the last rest."""

    def tagger(self, personal: str, *, semantic: bool = True) -> tag.Tagger:
        """Return the tagger; it is compiled when first needed, and again when marks have taught something.

        Without `semantic` it looks only at words, whatever the configuration says.
        """
        semantic = semantic and self._config.cluster.semantic
        found = self._taggers.get(semantic)
        if found is None or found[0] != personal:
            config = replace(self._config, cluster=replace(self._config.cluster, semantic=semantic))
            found = self._taggers[semantic] = personal, config.tagger(personal)
        return found[1]

    async def tagged(self, entries: Sequence[Entry], personal: str) -> Tagged:
        """Tag entries in a thread; a bug of ours costs only the entry that brings it out.

        In batches: a thread cannot be stopped, and 2,000 entries take six seconds.
        """
        self._used = True
        done: list[Entry] = []
        faults: list[str] = []
        semantic = len(entries) <= _ARCHIVE

        def work(batch: Sequence[Entry]) -> None:
            for entry in batch:
                try:
                    done.append(replace(entry, tagging=self.tagger(personal, semantic=semantic).tag(entry)))
                except Exception as bug:  # noqa: BLE001 - see above
                    faults.append(place_of(bug))

        for batch in batched(entries, _BATCH):
            await asyncio.to_thread(work, batch)
        return Tagged(tuple(done), tuple(faults))

    async def rest(self) -> None:
        """Give back what only a poll needs; for between two of them, when nothing is due."""
        await self.parser.rest()
        if self._used:
            self._used = False
            _trim()

    async def __aenter__(self) -> Self:
        await self.fetcher.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.fetcher.__aexit__()
        await self.parser.__aexit__()


def _trim() -> None:
    """Give memory that is free back to the system, where its C library does so only when asked (glibc).

    After a first poll of 45 feeds and its digest that is 8 MB of 95; it takes some 5 ms.
    """
    import ctypes

    with suppress(OSError, AttributeError, TypeError):  # another C library, another system
        ctypes.CDLL(None).malloc_trim(0)
