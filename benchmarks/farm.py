"""Generate feeds, and serve them on loopback from a separate process.

    python benchmarks/farm.py [--feeds N] [--seed S] [--small]

Feed i depends only on (seed, i). The proportions were counted in a corpus of real feeds: two thirds are RSS
2.0, a quarter Atom, the rest RSS 1.0; they have 20 to 50 entries, a median of about 47 kB, and one in ten is
larger than 160 kB; 70 % send validators, 10 % different bytes at each request, 85 % gzip, 7 % ISO-8859-1, and
3 % are rejected by XML parsers as they are. Of the entries 1.6 % are about the subject, 14 % pass the
tagger's gate and 29 % match one of its rules, as in five months of a technology feed; in a general feed it is
far less (.04, .6 and 7 %). The feeds are spread over 250 hosts (127.0.0.1 to 127.0.0.250).

With `--small` each feed has five short entries, so that thousands can be polled within minutes to see how the
cost grows.

The farm has three phases: the first poll, the same again, and a tenth of the feeds with one to five new
entries. `GET /_phase/3` sets the phase; `GET /_entries` returns how many entries exist by then.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from xml.sax.saxutils import escape

HOSTS = 250
NOW = datetime(2026, 11, 28, 6, tzinfo=UTC)
CHANGED = 10
"""One feed in this many has something new in phase 3."""
RELEVANT, ON_AI, ON_ARTISTS = 0.016, 0.128, 0.145
"""The shares of entries on the subject, on AI (which pass the gate) and on artists only (which match a rule).
"""
EVENTS = 20
"""This many events happen on the subject each day; each report is of one of them."""
SUBJECT = {
    "en": (
        ("Voice actors", "Illustrators", "Screenwriters", "Novelists", "Photographers", "Translators"),
        ("sue {}", "settle with {}", "protest against {}", "negotiate with {}"),
        ("OpenAI", "Midjourney", "Stability AI", "Runway", "Suno", "ElevenLabs"),
        ("over works in its training data", "over consent", "over pay for AI models", "over its video AI"),
    ),
    "de": (
        ("Sprecher", "Illustratorinnen", "Drehbuchautoren", "Schriftsteller", "Fotografinnen", "Übersetzer"),
        ("verklagen {}", "einigen sich mit {}", "protestieren gegen {}", "reden mit {}"),
        ("OpenAI", "Midjourney", "Stability AI", "Runway", "Suno", "ElevenLabs"),
        ("wegen Werken im KI-Training", "wegen Einwilligung", "um Honorare für KI-Modelle", "um Video-KI"),
    ),
}
BESIDE = {
    "en": (
        ("Google", "Meta", "Microsoft", "Apple", "Adobe", "Samsung"),
        ("shows an AI image generator for", "drops an AI image generator for"),
        ("phones", "hospitals", "weddings", "games", "schools"),
    ),
    "de": (
        ("Google", "Meta", "Microsoft", "Apple", "Adobe", "Samsung"),
        ("zeigt einen KI-Bildgenerator für", "bringt einen KI-Bildgenerator für"),
        ("Handys", "Kliniken", "Hochzeiten", "Spiele", "Schulen"),
    ),
}
ARTISTS = {"en": "Musicians on tour again", "de": "Musiker wieder auf Tour"}
SMALL = {
    "en": "the a of to in and for on with at by from is was are has will after over new".split(),
    "de": "der die das und in zu den mit von für auf ist im dem nicht ein eine als".split(),
}
SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprs" for vowel in "aeio"]


@dataclass(frozen=True)
class Article:
    """One entry of a feed."""

    guid: str
    link: str
    title: str
    teaser: str
    body: str
    published: datetime
    author: str


class Farm:
    """All feeds of one seed, and the answer to a request for one of them in each phase."""

    def __init__(self, feeds: int, seed: int = 1, *, small: bool = False) -> None:
        self.feeds, self.seed, self.phase, self.requests = feeds, seed, 1, 0
        self.small = small

    def addresses(self, port: int) -> list[str]:
        """Return the feeds' addresses."""
        return [f"http://127.0.0.{number % HOSTS + 1}:{port}/{number}.xml" for number in range(self.feeds)]

    def changed(self, number: int) -> bool:
        """Return True if this feed has other entries in phase 3."""
        return self.phase == 3 and number % CHANGED == 0

    def entries(self) -> int:
        """Return how many entries a program knows by now if it has missed none."""
        return sum(
            self._size(number) + (self._new(number) if self.changed(number) else 0)
            for number in range(self.feeds)
        )

    def answer(self, number: int, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a request."""
        self.requests += 1
        draw = self._draw(number, "server")
        kind = draw.random()
        etag = f'"{number}-{self.changed(number)}"' if kind < 0.7 else ""
        if etag and headers.get("if-none-match") == etag:
            return 304, {"ETag": etag}, b""
        varies = kind > 0.9
        body, type_ = self._document(number, new=self.changed(number))
        if varies:
            body = body.replace(b"</title>", b"</title><!-- %d -->" % self.requests, 1)
        sent = {"Content-Type": type_}
        if etag:
            sent |= {"ETag": etag, "Last-Modified": format_datetime(NOW, usegmt=True)}
        if draw.random() < 0.85 and "gzip" in headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1) if varies else self._packed(number, new=self.changed(number))
            sent["Content-Encoding"] = "gzip"
        return 200, sent, body

    def _draw(self, number: int, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{number}/{what}")

    def _size(self, number: int) -> int:
        return (
            5 if self.small else self._draw(number, "size").choice((10, 15, 20, 20, 25, 30, 30, 40, 50, 100))
        )

    def _new(self, number: int) -> int:
        return self._draw(number, "new").randint(1, 5)

    @lru_cache(maxsize=4096)  # noqa: B019 - one farm in a process
    def _packed(self, number: int, *, new: bool) -> bytes:
        return gzip.compress(self._document(number, new=new)[0], 6)

    @lru_cache(maxsize=4096)  # noqa: B019 - one farm in a process
    def _document(self, number: int, *, new: bool) -> tuple[bytes, str]:
        draw = self._draw(number, "form")
        language = "de" if draw.random() < 0.4 else "en"
        articles = self._articles(number, language, new=new)
        form = draw.random()
        write = rss if form < 0.66 else atom if form < 0.92 else rdf
        text = write(number, language, articles)
        latin = draw.random() < 0.07
        if draw.random() < 0.03:
            text = draw.choice(FAULTS)(text)
        encoding = "iso-8859-1" if latin else "utf-8"
        head = f'<?xml version="1.0" encoding="{encoding}"?>\n'
        type_ = "application/atom+xml" if write is atom else "application/rss+xml"
        return (head + text).encode(encoding, "xmlcharrefreplace"), type_

    def _articles(self, number: int, language: str, *, new: bool) -> list[Article]:
        draw = self._draw(number, "articles")
        length = 1.0 if self.small else min(25.0, draw.lognormvariate(1.65, 0.8))
        own = [word(draw) for _ in range(400)]
        known = [article(number, place, language, length, own) for place in range(self._size(number))]
        fresh = [
            article(number, -1 - place, language, length, own)
            for place in range(self._new(number) if new else 0)
        ]
        return fresh + known


def word(draw: random.Random) -> str:
    """Make up a word."""
    return "".join(draw.choices(SYLLABLES, k=draw.randint(2, 4)))


def sentence(draw: random.Random, language: str, own: list[str], words: int) -> str:
    """Make up a sentence: every second word is a common one of the language, the rest are the feed's own."""
    made = [draw.choice(SMALL[language] if draw.random() < 0.5 else own) for _ in range(words)]
    return " ".join(made).capitalize() + "."


def subject(draw: random.Random, language: str, published: datetime) -> str:
    """Make up what an entry is about, "" for most; reports of one event begin with the same words."""
    kind = draw.random()
    if kind < RELEVANT:
        event = random.Random(f"{published.date()}/{draw.randrange(EVENTS)}")
        who, does, whom, why = (event.choice(words) for words in SUBJECT[language])
        return f"{who} {does.format(whom)} {why}"
    if kind < RELEVANT + ON_AI:
        return " ".join(draw.choice(words) for words in BESIDE[language])
    return ARTISTS[language] if kind < RELEVANT + ON_AI + ON_ARTISTS else ""


def article(number: int, place: int, language: str, length: float, own: list[str]) -> Article:
    """Make up an entry."""
    draw = random.Random(f"{number}/{place}")
    title = sentence(draw, language, own, draw.randint(6, 11))[:-1]
    published = NOW - timedelta(minutes=37 * place + 11)
    if about := subject(draw, language, published):
        title = f"{about}: {title}"
    teaser = " ".join(sentence(draw, language, own, draw.randint(9, 18)) for _ in range(draw.randint(1, 3)))
    paragraphs = [
        f"<p>{' '.join(sentence(draw, language, own, 14) for _ in range(3))} "
        f'<a href="https://outlet{number}.example/tag/{draw.choice(own)}">{draw.choice(own)}</a></p>'
        for _ in range(int(length * draw.uniform(0.5, 1.5)))
    ]
    link = f"https://outlet{number}.example/{2026}/{draw.choice(own)}-{place & 0xFFFF}?utm_source=rss"
    return Article(
        guid=f"tag:outlet{number}.example,2026:{place}" if number % 3 else link,
        link=link,
        title=title,
        teaser=teaser,
        body="".join(paragraphs),
        published=published,
        author=f"{draw.choice(own).title()} {draw.choice(own).title()}",
    )


def rss(number: int, language: str, articles: list[Article]) -> str:
    """Write RSS 2.0."""
    items = "".join(
        f"<item><title>{escape(a.title)}</title><link>{escape(a.link)}</link>"
        f'<guid isPermaLink="false">{escape(a.guid)}</guid><pubDate>{format_datetime(a.published)}</pubDate>'
        f"<dc:creator><![CDATA[{a.author}]]></dc:creator><category>news</category>"
        f"<description><![CDATA[<p>{a.teaser}</p>]]></description>"
        + (f"<content:encoded><![CDATA[{a.body}]]></content:encoded>" if a.body else "")
        + "</item>\n"
        for a in articles
    )
    return (
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>Outlet {number}</title><link>https://outlet{number}.example/</link>"
        f"<description>News</description><language>{language}</language>\n{items}</channel></rss>"
    )


def atom(number: int, language: str, articles: list[Article]) -> str:
    """Write Atom 1.0."""
    entries = "".join(
        f'<entry><title>{escape(a.title)}</title><link href="{escape(a.link)}"/><id>{escape(a.guid)}</id>'
        f"<published>{a.published.isoformat()}</published><updated>{a.published.isoformat()}</updated>"
        f"<author><name>{escape(a.author)}</name></author><summary>{escape(a.teaser)}</summary>"
        + (f'<content type="html">{escape(a.body)}</content>' if a.body else "")
        + "</entry>\n"
        for a in articles
    )
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}"><title>Outlet {number}</title>'
        f'<id>https://outlet{number}.example/</id><link href="https://outlet{number}.example/"/>'
        f"<updated>{NOW.isoformat()}</updated>\n{entries}</feed>"
    )


def rdf(number: int, language: str, articles: list[Article]) -> str:
    """Write RSS 1.0."""
    items = "".join(
        f'<item rdf:about="{escape(a.link)}"><title>{escape(a.title)}</title><link>{escape(a.link)}</link>'
        f"<dc:date>{a.published.isoformat()}</dc:date><description>{escape(a.teaser)}</description></item>\n"
        for a in articles
    )
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<channel rdf:about="https://outlet{number}.example/"><title>Outlet {number}</title>'
        f"<link>https://outlet{number}.example/</link><description>News</description>"
        f"<dc:language>{language}</dc:language></channel>\n{items}</rdf:RDF>"
    )


FAULTS = (
    lambda text: text.replace("</title>", " & more</title>", 3),
    lambda text: text.replace("</title>", "&nbsp;more</title>", 3),
    lambda text: text.replace("</title>", "\x0b</title>", 3),
)
"""Common faults of real feeds: a bare ampersand, an entity unknown to XML, a control character."""


async def serve(farm: Farm, port: int = 0) -> None:
    """Serve until killed; the first line of standard output is the port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                line, *rest = head.split("\r\n")
                path = line.split(" ")[1]
                headers = {
                    k.lower(): v.strip() for k, _, v in (field.partition(":") for field in rest if field)
                }
                status, sent, body = control(farm, path) or farm.answer(
                    int(path[1:].partition(".")[0]), headers
                )
                lines = [f"HTTP/1.1 {status} OK", *(f"{k}: {v}" for k, v in sent.items())]
                lines.append(f"Content-Length: {len(body)}")
                writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the program under test has hung up, as it may between two polls
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "0.0.0.0", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def control(farm: Farm, path: str) -> tuple[int, dict[str, str], bytes] | None:
    """Answer a request for the farm itself; None for a request for a feed."""
    if path.startswith("/_phase/"):
        farm.phase = int(path.rpartition("/")[2])
    elif path != "/_entries":
        return None
    return 200, {"Content-Type": "text/plain"}, str(farm.entries()).encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true")
    chosen = parser.parse_args()
    try:
        asyncio.run(serve(Farm(chosen.feeds, chosen.seed, small=chosen.small)))
    except KeyboardInterrupt:
        sys.exit(0)
