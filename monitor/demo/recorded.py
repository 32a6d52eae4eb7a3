"""Recorded feed documents as a newsstand, and days of them played through the pipeline.

A folder holds one folder a feed, each with documents named by when they were recorded: `2024-12-09T1039.xml`,
or `2024-12-09.xml` for the end of that day, in UTC. A folder of documents is a feed itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from monitor import config, digest, pipeline, store
from monitor.demo.play import claim
from monitor.demo.server import Reply, Server
from monitor.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.models import Digest
    from monitor.store import Store

_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d):?(\d\d)(?::?(\d\d))?Z?)?")
_ENDINGS: Final = frozenset({".xml", ".rss", ".atom", ".json", ".rdf"})
_TYPES: Final = {".json": "application/feed+json"}
_MARK: Final = "# Written by `monitor replay`, and written anew by its next run."
_LONG_GAP: Final = timedelta(days=7)
_LAST_SECOND: Final = timedelta(days=1, seconds=-1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A feed document as it stood from one moment on."""

    at: datetime
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """What a replay has made, and where it lies."""

    config: Config
    polls: int
    digests: tuple[Digest, ...]


def read(folder: Path) -> dict[str, tuple[Version, ...]]:
    """Return the versions of each recorded feed by its name, oldest first. Raises ConfigError for none."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    found = {each.name: _versions(each) for each in (folders or [folder])}
    found = {name: versions for name, versions in found.items() if versions}
    if not found:
        reason = "holds no recorded documents: FEED/2024-12-09.xml or FEED/2024-12-09T1039.xml"
        raise ConfigError([Fault(str(folder), "", reason)])
    return found


def _versions(folder: Path) -> tuple[Version, ...]:
    found = [(_moment(path.stem), path) for path in folder.iterdir() if path.suffix in _ENDINGS]
    dated = sorted((at, path) for at, path in found if at is not None)
    return tuple(Version(at=at, path=path) for at, path in dated)


def _moment(name: str) -> datetime | None:
    match = _NAME.fullmatch(name)
    try:
        day = datetime.fromisoformat(match[1]).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None
    if match is None or day is None:
        return None
    if match[2] is None:
        return day + _LAST_SECOND
    return day + timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4] or 0))


class Recordings(Server):
    """The recorded feeds on loopback, each as it stood at `now`; before its first version it is not found."""

    def __init__(self, feeds: Mapping[str, Sequence[Version]], now: datetime) -> None:
        super().__init__(now)
        self._feeds = {f"/{number}": versions for number, versions in enumerate(feeds.values())}

    def url(self, number: int) -> str:
        """Return the address of a feed by its place."""
        return f"{self.base}/{number}"

    def answer(self, path: str, asked: Mapping[str, str]) -> Reply:
        """Answer a request with the newest version that there was."""
        versions = [version for version in self._feeds.get(path, ()) if version.at <= self.now]
        if not versions:
            return Reply(status=HTTPStatus.NOT_FOUND)
        body = versions[-1].path.read_bytes()
        tag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
        if tag in asked.get("if-none-match", ""):
            return Reply(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
        media_type = _TYPES.get(versions[-1].path.suffix, "application/xml")
        return Reply(status=HTTPStatus.OK, body=body, headers={"ETag": tag, "Content-Type": media_type})


async def replay(
    folder: Path,
    target: Path,
    settings: config.General,
    themes: str,
    *,
    say: Callable[[str], None] = lambda _: None,
    step: Callable[[int, int], None] = lambda _done, _all: None,
) -> Replayed:
    """Play all recorded days: a poll at each moment a document was recorded, a digest whenever one is due.

    Language, zone and themes are the user's; the rest is the default. Everything is kept in `target`, which
    is a configuration directory afterwards; an earlier replay there is replaced. Raises ConfigError.
    """
    feeds = read(folder)
    moments = sorted({version.at for versions in feeds.values() for version in versions})
    with Recordings(feeds, moments[0]) as stand:
        urls = {name: stand.url(number) for number, name in enumerate(feeds)}
        _configure(target, urls, settings, themes)
        loaded = config.load(target)
        digests: list[Digest] = []
        with store.open(loaded.database) as opened:
            opened.install(moments[0])
            followed = loaded
            for number, moment in enumerate(moments, 1):
                digests += await _digests_until(moment, followed, opened, stand, say)
                stand.now = moment
                # A feed is followed from its first recording on: the years before count against none.
                started = {urls[name] for name, versions in feeds.items() if versions[0].at <= moment}
                followed = replace(loaded, feeds=tuple(f for f in loaded.feeds if f.url in started))
                only = [
                    urls[name] for name, versions in feeds.items() if any(v.at == moment for v in versions)
                ]
                poll = await pipeline.poll(followed, opened, now=moment, only=only)
                say(f"{moment:%Y-%m-%d %H:%M}  {poll.feeds} polled, {poll.new} new, {poll.failed} failed")
                step(number, len(moments))
            end = digest.schedule.next_due(loaded.digest, moments[-1]) + timedelta(seconds=1)
            digests += await _digests_until(end, followed, opened, stand, say)
    return Replayed(config=loaded, polls=len(moments), digests=tuple(digests))


async def _digests_until(
    moment: datetime, loaded: Config, opened: Store, stand: Recordings, say: Callable[[str], None]
) -> list[Digest]:
    """Make the digests that fall due before a moment; of a gap in the recordings the first alone.

    Years without a document would be thousands of empty digests; the next one catches up, as after a holiday.
    """
    made = []
    while (due := digest.schedule.next_due(loaded.digest, stand.now)) < moment:
        stand.now = due
        await pipeline.publish(loaded, opened, loaded.channels(), now=due)
        stored = opened.digests.get(due.astimezone(loaded.timezone).date())
        if stored is not None:
            made.append(stored.digest())
            receipt = made[-1].receipt
            counts = f"{receipt.stories} stories, {receipt.reports} reports of {receipt.entries} entries"
            say(f"{due:%Y-%m-%d %H:%M}  digest: {counts}")
        if moment - due > _LONG_GAP:
            break
    return made


def _configure(target: Path, urls: Mapping[str, str], settings: config.General, themes: str) -> None:
    """Write a configuration for the recorded feeds, over an earlier replay's."""
    claim(target, _MARK, "replay")
    monitor_toml, feeds_toml, themes_toml = config.FILES
    tables = [
        f"[[feed]]\nurl = {json.dumps(url)}\ntitle = {json.dumps(name)}\n" for name, url in urls.items()
    ]
    texts = {
        monitor_toml: f'{_MARK}\nlanguage = "{settings.language}"\ntimezone = "{settings.timezone.key}"\n\n'
        "[poll]\nper_host = 8\nhost_gap = 0\nallow_private_addresses = true\n",
        feeds_toml: "\n".join(tables),
        **({themes_toml: themes} if themes else {}),
    }
    try:
        for name, text in texts.items():
            (target / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError([Fault(str(target), "", f"cannot be used: {error.strerror}")]) from error
