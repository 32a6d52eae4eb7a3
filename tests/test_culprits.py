"""A bug of ours, or damaged data, in one story, entry or part of a recipient costs only that one, wherever it
is met.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from loopback import Loopback
from newsroom import SETTINGS, Desk, at, item, made, page, reported, run, serving
from smtp import inbox
from test_web import opened

from monitor import digest, digest_output, health, outbox, pipeline, site
from monitor.cluster.copies import Sources
from monitor.store import open as open_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smtp import Inbox

    from monitor.models import Digest, Selection
    from monitor.store import Culprit

LEAK = "Testers leak OpenAI tool Sora in protest"
CHOIR = "AI choir angers artists in Graz"
DOUBT = "River bridge closed for repairs"
POISON = "internal error: ZeroDivisionError at test_culprits.py:"
DAMAGE = {
    "no time": "update entries set published = 'rubbish' where title = ?",
    "no zone": "update entries set first_seen = '2024-12-02T09:00:00', news_at = first_seen where title = ?",
    "no list": "update stories set themes = 'rubbish' where title = ?",
}


def damage(desk: Desk, how: str, title: str = CHOIR) -> None:
    with closing(sqlite3.connect(desk.config.database)) as connection, connection:
        assert connection.execute(DAMAGE.get(how, how), [title]).rowcount == 1


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stories, one of which will break, and an entry that was nearly chosen."""
    directory = tmp_path_factory.mktemp("culprits") / "desk"
    with serving() as server:
        both = item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(8))
        server.on("/a", page(*both, item("river", DOUBT, published=at(8))))
        desk = Desk(directory, [server.url("/a")])
        assert run(directory, "poll", now=at(9)).code == 0
    damage(desk, "update entries set near = 'leak-protest: bridge' where title = ?", DOUBT)
    return directory


@pytest.fixture
def desk(polled: Path, tmp_path: Path) -> Desk:
    there = shutil.copytree(polled, tmp_path / "desk")
    url = re.search(r'url = "(.*)"', (there / "feeds.toml").read_text())
    assert url
    return Desk(there, [url[1]])


def number_of(desk: Desk, title: str = CHOIR) -> int:
    with desk.store() as opened:
        return next(number for number, its in opened.overview.titles(range(99)).items() if its == title)


def poison(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, title: str = CHOIR, *, number: int = 0
) -> None:
    """Make a function of ours fail if an argument of it has this title."""
    real = getattr(where, name)

    def poisoned(*arguments, **named):
        if title in str(getattr(arguments[number], "title", arguments[number])):
            raise ZeroDivisionError("poison")
        return real(*arguments, **named)

    monkeypatch.setattr(where, name, poisoned)


@pytest.mark.parametrize("how", ["bug", *DAMAGE])
def test_a_story_that_cannot_be_read_costs_only_itself_and_is_reported_once_it_can(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    number, kept = number_of(desk), desk.config.database.read_bytes()
    with monkeypatch.context() as patch:
        if how == "bug":
            poison(patch, Sources, "of", number=1)
        else:
            damage(desk, how)
        looks = (["digest"], ["digest", "--since", "2024-12-02"], ["digest", "--date", "2024-12-03"])
        for look in looks:
            shown = run(desk.directory, *look, now=at(7.5, 1))
            assert (shown.code, "Incomplete: a bug in monitor" in shown.out) == (0, True), look
            assert LEAK in shown.out
            assert f"s{number}, {CHOIR}: " in " ".join(shown.out.split())
        run(desk.directory, "digest", "--send", now=at(7.5, 1))
        with desk.store() as opened:
            first = made(opened, 1)
        assert (reported(first), digest.outcome(first)) == ([LEAK], "news")
        (fault,) = first.receipt.faults
        assert fault.startswith(f"s{number}, {CHOIR}: ")
        assert (POISON if how == "bug" else "the database holds 'rubbish' where") in fault or how == "no zone"
        # Everything else in the archive exists, and so does a page for each story in the digest.
        pages = desk.directory / "digests"
        told = {path.name for path in (pages / "stories").iterdir()}
        assert told == {f"s{number}.html", f"s{number_of(desk, LEAK)}.html"}
        if how != "bug":  # which breaks no page
            for name in (f"stories/s{number}", "months/2024-12"):
                assert f"because of a bug in monitor: s{number}, " in (pages / f"{name}.html").read_text(), (
                    name
                )
            shard = (pages / "search" / "2024-12.js").read_text()
            assert (LEAK in shard, CHOIR in shard) == (True, False)
            with desk.store() as opened:
                (owed,) = opened.deliveries.waiting()
            assert (owed.channel, "the database holds '" in owed.last_error) == ("archive", True)
    if how == "no list":
        damage(desk, "update stories set themes = '[]' where title = ?")
    elif how != "bug":
        with sqlite3.connect(desk.config.database) as connection:
            instant = "2024-12-02T09:00:00.000000Z"
            sql = "update entries set published = ?, first_seen = ?, news_at = ? where title = ?"
            connection.execute(sql, [instant, instant, instant, CHOIR])
        connection.close()
    assert kept
    assert run(desk.directory, "digest", "--send", now=at(7.5, 2)).code == 0
    with desk.store() as opened:
        second = made(opened, 2)
        assert [story.title for story in second.stories if story.new] == [CHOIR]
        assert second.receipt.faults == ()
        assert opened.deliveries.waiting() == ()
    for name in (f"stories/s{number}.html", "months/2024-12.html", "search/2024-12.js"):
        text = (desk.directory / "digests" / name).read_text()
        assert (CHOIR in text, "bug in monitor" in text) == (True, False), name


def test_a_month_goes_on_naming_a_story_that_its_page_leaves_out(desk: Desk) -> None:
    number, leak = number_of(desk), number_of(desk, LEAK)
    run(desk.directory, "digest", "--send", now=at(7.5, 1))
    damage(desk, "no list")
    # The first run meets the damage, and the second only knows of it.
    for title in ("Sora leaked", "Sora leaked again"):
        with desk.store() as opened:
            opened.stories.save([replace(opened.stories.get(leak), title=title)])
        with pytest.raises(ExceptionGroup, match="writing the archive"):
            digest_output.write_archive(desk.config, desk.directory / "digests")
        text = (desk.directory / "digests/months/2024-12.html").read_text()
        assert f"because of a bug in monitor: s{number}, " in text, title
        assert title in (desk.directory / "digests/search/2024-12.js").read_text()


def test_an_entry_that_was_nearly_chosen_keeps_no_digest_from_anybody(desk: Desk) -> None:
    damage(desk, DAMAGE["no time"], DOUBT)
    assert run(desk.directory, "digest", "--send", now=at(7.5, 1)).code == 0
    with desk.store() as opened:
        first = made(opened, 1)
    assert reported(first) == [CHOIR, LEAK]
    (fault,) = first.receipt.faults
    assert re.match(f"e\\d+, {DOUBT}: the database holds 'rubbish'", fault)


def test_a_day_of_which_nothing_can_be_read_is_not_called_quiet(desk: Desk) -> None:
    damage(desk, "no time")
    damage(desk, "no time", LEAK)
    shown = run(desk.directory, "digest", now=at(7.5, 1))
    assert shown.code == 0
    assert "Quiet" not in shown.out
    assert "a bug in monitor" in shown.out


def test_a_page_of_the_archive_that_fails_costs_that_page_and_is_made_when_it_can_be(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, pages = number_of(desk), desk.directory / "digests"
    with monkeypatch.context() as patch:
        poison(patch, site.pages, "story")
        poison(patch, site.lists, "index", "2024")
        assert run(desk.directory, "digest", "--send", now=at(7.5, 1)).code == 1
    assert LEAK in (pages / "stories" / f"s{number_of(desk, LEAK)}.html").read_text()
    assert CHOIR in (pages / "days" / "2024-12-03.html").read_text()
    broken = (pages / "stories" / f"s{number}.html").read_text()
    assert f"because of a bug in monitor: s{number}, {CHOIR}: {POISON}" in broken
    assert not (pages / "index.html").exists()
    # Nothing has changed except that it works again; until then, what exists stays.
    assert run(desk.directory, "digest", "--send", now=at(9, 1)).code == 0
    whole = (pages / "stories" / f"s{number}.html").read_text()
    assert "bug in monitor" not in whole
    assert CHOIR in (pages / "search" / "2024-12.js").read_text()
    assert (pages / "index.html").exists()
    damage(desk, "update stories set sources = 2 where title = ?")
    with monkeypatch.context() as patch:
        poison(patch, site.pages, "story")
        assert run(desk.directory, "digest", "--send", now=at(7.5, 2)).code == 1
    assert (pages / "stories" / f"s{number}.html").read_text() == whole
    # Its own page is complete, but it is not in the search; both are written again once it can be read.
    (pages / ".site.json").unlink()
    with monkeypatch.context() as patch:
        poison(patch, site.listing, "listed")
        assert run(desk.directory, "digest", "--send", now=at(9, 2)).code == 1
    assert CHOIR not in (pages / "search" / "2024-12.js").read_text()
    assert run(desk.directory, "digest", "--send", now=at(11, 2)).code == 0
    assert CHOIR in (pages / "search" / "2024-12.js").read_text()


def test_stories_beside_a_page_that_fails_for_no_story_are_written_once_it_does_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, other, pages = number_of(desk), number_of(desk, LEAK), desk.directory / "digests"
    assert run(desk.directory, "digest", "--send", now=at(7.5, 1)).code == 0
    assert run(desk.directory, "mark", f"s{number}", "--not-relevant", now=at(8, 1)).code == 0
    damage(desk, "update stories set title = 'Changed' where title = ?", LEAK)
    with monkeypatch.context() as patch:
        poison(patch, site.pages, "gone", str(number))
        assert run(desk.directory, "digest", "--send", now=at(7.5, 2)).code == 1
    assert run(desk.directory, "digest", "--send", now=at(9, 2)).code == 0
    assert "is left of story" in (pages / "stories" / f"s{number}.html").read_text()
    assert "Changed" in (pages / "stories" / f"s{other}.html").read_text()


def test_the_reading_page_shows_all_else_and_names_what_it_cannot_show(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, other = number_of(desk), number_of(desk, LEAK)
    assert run(desk.directory, "digest", "--send", now=at(7.5, 1)).code == 0
    poison(monkeypatch, site.frame, "row")
    poison(monkeypatch, site.listing, "row")
    poison(monkeypatch, site.pages, "_timeline")
    damage(desk, "no zone", DOUBT)
    damage(desk, "update stories set sources = 2 where title = ?")
    with opened(desk.directory) as browser:
        for path in ("months/2024-12", "themes/leak-protest", f"stories/s{other}", "search", "days/next"):
            browser.get(f"/{path}.html")
        listed = browser.client.get("/months/2024-12.html").text
        assert f"because of a bug in monitor: s{number}, {CHOIR}: {POISON}" in listed
        own = browser.client.get(f"/stories/s{number}.html")
        assert (own.status_code, f"s{number}, {CHOIR}: {POISON}" in own.text) == (500, True)
        found = browser.client.get("/search.html?q=river").text
        assert re.search(f"because of a bug in monitor: e\\d+, {DOUBT}: the database holds", found)
        assert browser.client.get("/stories/s999.html").status_code == 404


def test_a_report_tells_all_else_names_it_and_fails(desk: Desk) -> None:
    damage(desk, "no time")
    for form in ("md", "html", "json"):
        told = run(desk.directory, "report", "--format", form, now=at(7.5, 1))
        assert (told.code, LEAK in told.out) == (1, True)
        assert f"because of a bug in monitor: s{number_of(desk)}, {CHOIR}: the database holds" in unescape(
            told.out
        )
        assert "the database holds" in told.err


async def test_an_open_story_that_cannot_be_read_keeps_no_news_from_its_digest(tmp_path: Path) -> None:
    async with Loopback() as server:
        desk = Desk(tmp_path / "desk", [server.url("/a")])
        server.on("/a", page(item("choir", CHOIR, published=at(8))))
        with desk.store() as opened:
            await pipeline.poll(desk.config, opened, now=at(9), every=True)
            damage(desk, "no time")
            server.on("/a", page(item("leak", LEAK, published=at(9))))
            with pytest.raises(ExceptionGroup, match="polling met errors") as met:
                await pipeline.poll(desk.config, opened, now=at(10), every=True)
            assert ["rubbish" in str(bug) for bug in met.value.exceptions] == [True]
            await pipeline.publish(desk.config, opened, (), now=at(7, 1))
            assert reported(made(opened, 1)) == [LEAK]


@pytest.mark.parametrize("column", ["last_success_at", "first_success_at"])
@pytest.mark.parametrize("dated", [True, False])
async def test_a_feed_whose_state_cannot_be_read_keeps_no_other_from_being_polled(
    tmp_path: Path, column: str, *, dated: bool
) -> None:
    async with Loopback() as server:
        desk = Desk(tmp_path / "desk", [server.url("/a"), server.url("/b")])
        leak, choir = item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(8))
        if not dated:
            choir = re.sub("<pubDate>.*</pubDate>", "", choir)
        server.on("/a", page(leak), page(choir, leak))
        server.on("/b", page())
        with desk.store() as opened:
            await pipeline.poll(desk.config, opened, now=at(9), every=True)
            with closing(sqlite3.connect(desk.config.database)) as connection, connection:
                connection.execute(f"update feed_states set {column} = 'rubbish' where {column} > ''")
            (problem, _) = health.status(desk.config, opened, now=at(9.5)).problems
            assert "the database holds 'rubbish' where a time belongs" in problem.what
            summary = await pipeline.poll(desk.config, opened, now=at(10))
            assert (summary.ok, summary.new) == (2, 1)
            assert health.status(desk.config, opened, now=at(10)).problems == ()
            await pipeline.publish(desk.config, opened, (), now=at(11))
            assert reported(made(opened, 0)) == [CHOIR, LEAK]


async def test_a_delivery_that_cannot_be_read_holds_up_no_other(desk: Desk) -> None:
    config = desk.config
    with desk.store() as opened:
        await pipeline.publish(config, opened, config.channels(), now=at(7.5, 1))
        outbox.resend(opened, at(0, 1).date(), now=at(8, 1))
        damage(desk, "update deliveries set created_at = 'rubbish' where recipient = ?", "2024-12-03.md")
        await pipeline.publish(config, opened, config.channels(), now=at(9, 1))
        with closing(sqlite3.connect(config.database)) as connection:
            states = dict(connection.execute("select recipient, state from deliveries"))
        assert states == {"2024-12-03.md": "pending", "2024-12-03.html": "sent", "index.html": "sent"}
    for command in ("status", "digests"):
        assert "the database holds 'rubbish'" in run(desk.directory, command, now=at(9, 1)).err


@pytest.mark.parametrize(
    "how",
    [
        "update digests set summary = 'rubbish'",
        "update digests set packed = x'00'",
        "update digests set made_at = 'rubbish'",
        "update digests set window_start = 'rubbish'",
        "update digests set window_end = 'rubbish'",
        "update digests set date = 'rubbish'",
        "update meta set value = 'rubbish' where key = 'clock'",
        "update stories set names = 'rubbish'",
        "update stories set last_seen = 'rubbish'",
    ],
)
async def test_damage_to_a_past_day_keeps_no_later_one_from_being_reported(desk: Desk, how: str) -> None:
    config = desk.config
    with desk.store() as opened:
        await pipeline.publish(config, opened, (), now=at(9.5))
        with closing(sqlite3.connect(config.database)) as connection, connection:
            assert connection.execute(how).rowcount
        async with Loopback() as server:
            desk.follow([server.url("/new")])
            server.on("/new", page(item("march", "AI artists march in Bonn", published=at(11))))
            with suppress(ExceptionGroup):  # a story that cannot be read is reported as well
                await pipeline.poll(desk.config, opened, now=at(12), every=True)
            await pipeline.publish(desk.config, opened, (), now=at(7, 1))
        assert reported(made(opened, 1)) == ["AI artists march in Bonn"]
        assert opened.clock.observe(at(7.1, 1)) is None


async def test_an_alert_is_made_beside_a_story_that_cannot_be_read(tmp_path: Path) -> None:
    alert = f'{SETTINGS}[alert]\nmin_score = 0\nmin_sources = 1\nchannels = ["files"]\n'
    async with Loopback() as server:
        desk = Desk(tmp_path / "desk", [server.url("/a")], settings=alert)
        both = item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(8))
        server.on("/a", page(*both))
        config = desk.config
        with desk.store() as opened:
            await pipeline.poll(config, opened, now=at(9), every=True)
            damage(desk, "no time")
            delivered = await pipeline.deliver(config, opened, config.channels(), now=at(9))
            assert opened.deliveries.alerted([1, 2]) == {number_of(desk, LEAK)}
            assert delivered.bugs == []


async def test_what_waits_is_sent_though_the_digest_cannot_be_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments, **_named):
        raise ZeroDivisionError("always")

    config = desk.config
    with desk.store() as opened:
        await pipeline.publish(config, opened, config.channels(), now=at(7.5, 1))
        outbox.resend(opened, at(0, 1).date(), now=at(8, 1))
        monkeypatch.setattr(digest, "compose", broken)
        with pytest.raises(ExceptionGroup, match="publishing met errors"):
            await pipeline.publish(config, opened, config.channels(), now=at(7.5, 2))
        assert {one.state for one in opened.deliveries.listing()} == {"sent"}
        assert opened.digests.last_made().date == at(0, 1).date()


ANNA, BO, CY = "anna@union.test", "bo@union.test", "cy@union.test"


async def test_a_recipient_whose_part_cannot_be_made_gets_both_with_the_next_digest_and_all_others_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    select = digest.select

    def poisoned(whole: Digest, selection: Selection, **rest: Any) -> Digest:
        if selection.themes or selection.gathers:
            raise ZeroDivisionError("poison")
        return select(whole, selection, **rest)

    async with Loopback() as server, inbox() as box:
        mail = (
            f'{SETTINGS}[email]\nhost = "127.0.0.1"\nport = {box.port}\ntls = "none"\nfrom = "m@news.test"\n'
            f'to = ["{ANNA}", "{BO}", "{CY}"]\n[email.only."{BO}"]\nthemes = ["leak-protest"]\n'
            f'[email.only."{CY}"]\ndays = ["tue"]\n'
        )
        desk = Desk(tmp_path / "desk", [server.url("/a")], settings=mail)
        server.on("/a", page(item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(8))))
        config = desk.config
        with desk.store() as opened:
            await pipeline.poll(config, opened, now=at(9), every=True)
            with monkeypatch.context() as patch:
                patch.setattr(digest, "select", poisoned)
                with pytest.raises(ExceptionGroup, match="publishing met errors") as met:
                    await pipeline.publish(config, opened, config.channels(), now=at(7, 1))
            assert [str(bug) for bug in met.value.exceptions] == ["poison", "poison"]
            assert reported(made(opened, 1)) == [CHOIR, LEAK]
            assert [one.recipients for one in box.received] == [(ANNA,)]
            (failed, other) = opened.deliveries.failed_since(at(0, 1))
            assert {failed.recipient, other.recipient} == {BO, CY}
            assert failed.last_error.startswith(POISON)
            # The next day is not one of Cy's, but all of them are reported nevertheless.
            await pipeline.publish(config, opened, config.channels(), now=at(7, 2))
            assert "internal error" in "".join(made(opened, 2).receipt.failed_deliveries)
            await pipeline.publish(config, opened, config.channels(), now=at(7, 3))
    told = {who: [one for one in box.received if one.recipients == (who,)] for who in (ANNA, BO, CY)}
    assert {who: len(those) for who, those in told.items()} == {ANNA: 3, BO: 3 - 1, CY: 1}
    bo, cy = (told[who][0].message.get_body(("plain",)).get_content() for who in (BO, CY))
    assert (LEAK in bo, CHOIR in bo) == (True, False)
    assert (LEAK in cy, CHOIR in cy) == (True, True)
    assert LEAK not in told[BO][1].message.get_body(("plain",)).get_content()


def desk_of_a_weekly_mail(tmp_path: Path, server: Loopback, box: Inbox) -> Desk:
    """Return a desk with one feed whose only recipient gets a mail on Wednesdays."""
    mail = (
        f'{SETTINGS}[email]\nhost = "127.0.0.1"\nport = {box.port}\ntls = "none"\nfrom = "m@news.test"\n'
        f'to = ["{CY}"]\n[email.only."{CY}"]\ndays = ["wed"]\n'
    )
    return Desk(tmp_path / "desk", [server.url("/a")], settings=mail)


@pytest.mark.parametrize("how", [*DAMAGE, "rendering"])
async def test_a_mail_of_several_days_shows_a_since_damaged_story_as_the_digests_had_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with Loopback() as server, inbox() as box:
        desk = desk_of_a_weekly_mail(tmp_path, server, box)
        config = desk.config
        with desk.store() as opened:
            server.on("/a", page(*(item(one[:5], one, published=at(8)) for one in (LEAK, CHOIR))))
            await pipeline.poll(config, opened, now=at(9), every=True)
            await pipeline.publish(config, opened, config.channels(), now=at(7, 1))
            assert reported(made(opened, 1)) == [CHOIR, LEAK]
            if how == "rendering":
                render = digest.render_mail

                def poisoned(part: Digest, *rest: Any) -> object:
                    if any(story.title == CHOIR for story in part.stories):
                        raise ZeroDivisionError("poison")
                    return render(part, *rest)

                monkeypatch.setattr(digest, "render_mail", poisoned)
            else:
                damage(desk, how)
            await pipeline.publish(config, opened, config.channels(), now=at(7, 2))
    (wednesday,) = box.received
    text = " ".join(wednesday.message.get_body(("plain",)).get_content().split())
    assert LEAK in text
    assert f", {CHOIR}: " in text
    assert text.count(CHOIR) == (1 if how == "rendering" else 2)


async def test_no_part_tells_what_the_whole_digest_leaves_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_all = digest.render_all

    def poisoned(whole: Digest, *rest: Any) -> object:
        if any(story.title == CHOIR for story in whole.stories):
            raise ZeroDivisionError("poison")
        return render_all(whole, *rest)

    async with Loopback() as server, inbox() as box:
        desk = desk_of_a_weekly_mail(tmp_path, server, box)
        config = desk.config
        with desk.store() as opened:
            leak, choir = item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(8, 1))
            server.on("/a", page(leak), page(choir, leak))
            for day in (0, 1):
                await pipeline.poll(config, opened, now=at(9, day), every=True)
                with monkeypatch.context() as patch:
                    patch.setattr(digest, "render_all", poisoned)
                    await pipeline.publish(config, opened, config.channels(), now=at(7, day + 1))
            assert reported(made(opened, 2)) == []
    (wednesday,) = box.received
    text = " ".join(wednesday.message.get_body(("plain",)).get_content().split())
    assert LEAK in text
    assert text.count(CHOIR) == text.count(f", {CHOIR}: {POISON}") == 1


def test_nothing_is_hidden_but_while_something_is_made_of_the_store(desk: Desk) -> None:
    given: list[list[str]] = []

    def two(faults: Sequence[Culprit]) -> int:
        given.append([fault.title for fault in faults])
        if len(there.stories.listing()) > 1:
            raise ZeroDivisionError("only together")
        return len(faults)

    with open_store(desk.config.database, read_only=True) as there:
        assert there.without_culprits(two) == 1
        assert (given[0], len(given[-1])) == ([], 1)
        assert len(there.stories.listing()) == 2
