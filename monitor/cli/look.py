"""Try an address before it is followed: what is meant by it, which feed is there, what it brings."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor import values
from monitor.cli.output import local, progress
from monitor.errors import MonitorError, ParseError
from monitor.models import Feed
from monitor.text import counted
from monitor.url import redact_url, with_user_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from monitor.cli.session import Session
    from monitor.config import Config
    from monitor.fetch import Fetcher
    from monitor.models import Response
    from monitor.parse.worker import Parser

_OTHERS_SHOWN = 5
# Where the feed lies on most sites that have one and do not name it.
_USUAL_PLACES = ("feed", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml")
# A browser's "copy link" of a feed button, as in OPML: feed://host and feed:https://host.
_FEED_SCHEME = re.compile(r"feed:(//)?", re.IGNORECASE)


def address_of(text: str) -> str:
    """Return the address that somebody means: for a handle its feed, for a bare host its site."""
    text = _FEED_SCHEME.sub("", text.strip())
    if text.startswith("@") and text.count("@") == 2:  # noqa: PLR2004 - @name@server
        name, server = text[1:].split("@")
        return values.web_address(f"https://{server}/@{name}.rss")
    # A bare channel id, as YouTube's addresses hold it.
    if text.startswith("UC") and len(text) == len("UCBR8-60-B28hp2BmDPdntcQ"):
        return f"https://www.youtube.com/feeds/videos.xml?channel_id={text}"
    bare = "://" not in text and "." in text.partition("/")[0] and not text.startswith((".", "/"))
    return values.web_address(f"https://{text}" if bare else text)


@dataclass(frozen=True)
class Seen:
    """What was found at an address."""

    url: str
    title: str
    entries: int
    newest: datetime | None
    others: Sequence[str] = ()
    """Further feeds of the same page."""

    def lines(self, config: Config) -> Iterator[str]:
        """Describe it in a line or two."""
        newest = f", newest {local(self.newest, config.timezone)}" if self.newest else ""
        yield f"{self.title or 'without a title'}: {counted(self.entries, 'entry', 'entries')}{newest}"
        if self.others:
            more = len(self.others) - _OTHERS_SHOWN
            yield (
                "the page names further feeds: "
                + ", ".join(self.others[:_OTHERS_SHOWN])
                + (f" and {more} more" if more > 0 else "")
            )


def look(current: Session, feed: Feed, *, bare: bool = False) -> Seen:
    """Fetch an address and read its feed, or the first feed that its page names. Raises MonitorError.

    An address given `bare`, without https:// or http://, is tried with both.
    """

    async def look() -> Seen:
        from monitor import fetch
        from monitor.parse.worker import Parser

        config = current.config()
        with progress(quiet=current.quiet) as bar:
            bar.add_task(f"looking at {redact_url(feed.url)}", total=None)
            async with fetch.Fetcher(config.fetch) as fetcher, Parser(config.parse) as parser:
                return await _find(current, fetcher, parser, feed, bare=bare)

    return asyncio.run(look())


async def _find(current: Session, fetcher: Fetcher, parser: Parser, feed: Feed, *, bare: bool) -> Seen:
    from monitor.parse import feedlist
    from monitor.parse.encoding import decode

    response = await fetcher.get(feed.url, private_host=feed.private_host)
    if response.unreachable and bare:
        plain = replace(feed, url=feed.url.replace("https://", "http://", 1))
        if not (insecure := await fetcher.get(plain.url, private_host=feed.private_host)).error:
            response, feed = insecure, plain
    if response.error:
        raise MonitorError(f"{redact_url(feed.url)}: {response.error}; --no-check adds it anyway")
    try:
        return await _read(current, parser, response, feed.url)
    except ParseError as error:
        # It is not a feed, so most likely it is the outlet's page, which names its feeds.
        named = feedlist.discover(decode(response.body, response.content_type).text, response.url)
        in_vain = list[str]()
        site = response.url.partition("?")[0].partition("#")[0].rstrip("/")
        for url in named[:_OTHERS_SHOWN] or [f"{site}/{place}" for place in _USUAL_PLACES]:
            page = await fetcher.get(url)
            try:
                seen = await _read(current, parser, page, url)
            except ParseError as why:
                in_vain.append(f"{redact_url(url)} ({why})")
            else:
                return replace(seen, others=[other for other in named if other != url])
        else_ = (
            f"it names feeds, but none of them can be read: {', '.join(in_vain)}"
            if named
            else f"the page names no feed, and there is none at /{', /'.join(_USUAL_PLACES)}"
        )
        raise MonitorError(f"{redact_url(feed.url)}: {error}; {else_}") from error


async def _read(current: Session, parser: Parser, response: Response, url: str) -> Seen:
    """Read a document; the address of a feed that has moved for good is its new one. Raises ParseError."""
    if response.error:
        raise ParseError(response.error)
    document = await parser.parse(response, Feed(url=url), now=current.now())
    dates = [entry.published for entry in document.entries if entry.dated == "publisher"]
    there = with_user_of(response.moved_to, url) if response.moved_to else url
    return Seen(there, document.title, len(document.entries), max(dates, default=None))


def named_at(current: Session, address: str) -> tuple[str, ...]:
    """Return the feeds that a page names, or the address itself if it is a feed. Raises MonitorError."""

    async def named() -> tuple[str, ...]:
        from monitor import fetch
        from monitor.parse import feedlist
        from monitor.parse.encoding import decode
        from monitor.parse.worker import Parser

        config = current.config()
        async with fetch.Fetcher(config.fetch) as fetcher, Parser(config.parse) as parser:
            response = await fetcher.get(address)
            if response.error:
                raise MonitorError(f"{redact_url(address)}: {response.error}")
            found = feedlist.discover(decode(response.body, response.content_type).text, response.url)
            if not found:
                with suppress(ParseError):  # it may be a feed itself
                    await parser.parse(response, Feed(url=address), now=current.now())
                    found = (address,)
            return found

    return asyncio.run(named())
