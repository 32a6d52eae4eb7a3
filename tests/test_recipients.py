"""Several recipients: who gets which part of the digest, on which days, and what their mail says of the rest."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from loopback import Loopback, Reply
from newsroom import SETTINGS, Desk, at, item, made, page, polled, reject, reported, rss, run
from smtp import Inbox, inbox

from monitor import digest, digest_input, digest_output, health, languages, outbox, pipeline
from monitor.digest import html, markdown, plain, schedule
from monitor.digest.headline import subject
from monitor.digest.page import Caps
from monitor.digest.view import view
from monitor.models import Digest, RenderedDigest, Selection, digest_key
from monitor.models import digest_from_json as from_json
from monitor.store import open as open_store
from monitor.tools import Tools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.config import Config
    from monitor.store import Store

DATA = Path(__file__).parent / "data" / "digests"
WHOLE = from_json((DATA / "en.json").read_text("utf-8"))
OLD = from_json((DATA / "stored-by-1.0.json").read_text("utf-8"))
ENGLISH = languages.load("en")
WIDE = Caps(stories=99, reports=99, lines=99, summary=9999)


# --- what a selection contains


def forms(part: Digest) -> list[str]:
    shown = view(part, ENGLISH, WIDE)
    return [" ".join(render(shown).split()) for render in (plain.render, markdown.render, html.render)]


THEMES = sorted({theme for story in WHOLE.stories for theme in story.themes})
SELECTIONS = st.builds(
    Selection,
    themes=st.lists(st.sampled_from([*THEMES, "nowhere"]), max_size=3).map(tuple),
    beats=st.lists(st.sampled_from(["sora", "ai-creative-labour"]), max_size=1).map(tuple),
    languages=st.lists(st.sampled_from(["en", "de", "fr"]), max_size=2).map(tuple),
    min_score=st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0, 99.0]),
)
DIGESTS = st.builds(
    lambda base, stories, perhaps, states: replace(
        base,
        stories=tuple(stories),
        perhaps=tuple(perhaps),
        receipt=replace(
            base.receipt,
            feeds=tuple(replace(feed, state=states) for feed in base.receipt.feeds),
            stories=len(stories),
        ),
    ),
    base=st.sampled_from([WHOLE, OLD]),
    stories=st.lists(st.sampled_from(WHOLE.stories), unique_by=lambda story: story.id),
    perhaps=st.lists(
        st.sampled_from(
            [*WHOLE.perhaps, replace(WHOLE.perhaps[0], entry=99, beats=("sora",), themes=("copyright",))]
        ),
        unique_by=lambda entry: entry.entry,
    ),
    states=st.sampled_from(["ok", "failing"]),
)


@given(DIGESTS, SELECTIONS)
@example(WHOLE, Selection(themes=("nowhere",)))
@example(WHOLE, Selection())
@example(WHOLE, Selection(min_score=WHOLE.stories[1].score))
@example(WHOLE, Selection(themes=tuple({*WHOLE.stories[2].themes, *WHOLE.stories[3].themes})))
@example(OLD, Selection(languages=("en",)))
def test_a_part_is_a_subset_in_the_same_order_and_its_counts_are_true(
    whole: Digest, selection: Selection
) -> None:
    part = digest.select(whole, selection)
    assert part.part is not None
    kept, all_of_it = [story.id for story in part.stories], [story.id for story in whole.stories]
    # The order is that of the whole digest, except that the most important of these stories leads.
    assert set(kept) <= set(all_of_it)
    assert kept[1:] == [number for number in all_of_it if number in kept[1:]]
    assert part.part.stories + len(kept) == len(all_of_it)
    assert part.part.perhaps + len(part.perhaps) == len(whole.perhaps)
    assert [one for one in whole.perhaps if one in part.perhaps] == list(part.perhaps)
    fresh = [report for story in part.stories for report in story.reports if report.new]
    assert (part.receipt.stories, part.receipt.reports) == (len(kept), len(fresh))
    assert set(part.reported) - set(whole.copies) <= set(whole.reported)
    if part.stories and whole is not OLD and part.stories[0].importance:
        assert part.stories[0].score == max(story.score for story in part.stories)
        assert [story.lead for story in part.stories] == [True, *(len(kept) - 1) * [False]]
    # The receipt is that of the whole digest, whatever was selected.
    assert replace(part.receipt, stories=0, reports=0, sources=0, late=0) == replace(
        whole.receipt, stories=0, reports=0, sources=0, late=0
    )
    told = {story.id for story in part.stories}
    for story in whole.stories:
        spoken = {report.language for report in story.reports if report.new}
        wanted = (
            (not selection.themes or set(selection.themes) & set(story.themes))
            and (not selection.beats or set(selection.beats) & set(story.beats))
            and (not selection.languages or spoken & {*selection.languages, ""})
            and story.score >= selection.min_score
        )
        assert (story.id in told) == bool(wanted)
    others = part.part.stories
    if others:
        count = "1 other story" if others == 1 else f"{others} other stories"
        assert all(count in form for form in forms(part))
    if not part.stories:
        assert subject(part, ENGLISH).startswith(("Quiet", "Nothing sure in your selection", "BROKEN"))
        assert not (subject(part, ENGLISH).startswith("Quiet") and (others or part.part.perhaps))


def test_an_empty_part_of_a_full_day_never_says_that_nothing_happened() -> None:
    part = digest.select(WHOLE, Selection(themes=("nowhere",)))
    assert subject(part, ENGLISH).startswith(
        f"Nothing sure in your selection, {len(WHOLE.stories)} other stories"
    )
    bare = digest.select(replace(WHOLE, perhaps=()), Selection(themes=("nowhere",)))
    for form, without in zip(forms(part), forms(bare), strict=True):
        assert f"Quiet in your selection: nothing that is sure; {len(WHOLE.stories)} other stories;" in form
        assert f"Quiet in your selection: nothing new; {len(WHOLE.stories)} other stories;" in without


def test_doubt_is_chosen_by_what_it_may_be_and_never_where_a_score_is_asked() -> None:
    known = replace(WHOLE.perhaps[0], beats=("sora",), themes=("copyright",))
    whole = replace(WHOLE, perhaps=(known, replace(WHOLE.perhaps[1], language="")))

    def left(**chosen: Any) -> list[int]:
        return [one.entry for one in digest.select(whole, Selection(**chosen)).perhaps]

    assert left(themes=("copyright",), languages=("en",)) == [51, 52]
    assert left(themes=("capabilities",)) == [52]  # from before 1.1, so what it may be is not known
    assert left(languages=("de",)) == [52]
    assert left(min_score=0.1) == []


def test_sources_are_counted_by_publisher_in_a_part_as_in_the_whole() -> None:
    first = WHOLE.stories[1]
    of_one = replace(first, reports=tuple(replace(report, publisher="Group") for report in first.reports))
    assert digest.select(replace(WHOLE, stories=(of_one,)), Selection()).receipt.sources == 1
    assert digest.select(replace(WHOLE, stories=(first,)), Selection()).receipt.sources > 1


def test_a_part_says_where_the_rest_can_be_read_by_a_link_or_by_a_command() -> None:
    part = digest.select(WHOLE, Selection(themes=("copyright",)))
    assert all("https://archive.example/monitor/days/2026-11-23.html" in form for form in forms(part)[1:])
    away = replace(part, archive_url="")
    text, _, rich = forms(away)
    assert all(
        "Left out: 4 other stories" in form and "the file 2026-11-23.md" in form for form in (text, rich)
    )
    several = digest.select(replace(WHOLE, archive_url=""), Selection(themes=("copyright",)), several=[OLD])
    assert "monitor digest --since 2026-11-22T06:00:04Z --until 2026-11-23T06:00:04Z" in forms(several)[0]
    assert "Sunday, 22 November 2026 to Monday, 23 November 2026" in forms(several)[0]
    assert "Nothing was left out." in forms(digest.select(WHOLE, Selection(languages=("en", "de"))))[0]
    assert "selection" not in " ".join(forms(digest.select(WHOLE, Selection(days=("fri",)))))


def test_a_mail_of_several_days_keeps_a_story_that_has_left_its_theme_since() -> None:
    story = WHOLE.stories[2]
    grown = replace(WHOLE, stories=(*WHOLE.stories[:2], replace(story, themes=()), *WHOLE.stories[3:]))
    selection = Selection(themes=(story.themes[0],))
    assert story.id not in {one.id for one in digest.select(grown, selection).stories}
    assert story.id in {one.id for one in digest.select(grown, selection, several=[WHOLE]).stories}
    old = replace(story, reports=tuple(replace(report, new=False) for report in story.reports))
    before = replace(WHOLE, stories=(old,))
    assert story.id not in {one.id for one in digest.select(grown, selection, several=[before]).stories}


# --- on which days


@pytest.mark.parametrize(
    ("days", "last", "expected"),
    [
        (["fri"], None, False),  # Monday, the first digest
        (["mon"], None, True),
        (["fri"], -1, False),
        (["sun"], -1, False),
        (["fri"], -3, False),  # that of Friday was made
        (["fri"], -4, True),  # that of Friday was missed
        (["sun"], -2, True),
        (["thu"], -99, True),
        (["2nd"], None, True),
        (["1st"], None, False),
        (["1st"], -1, False),
        (["1st"], -2, True),
        (["28th", "tue"], -5, True),
        (["27th", "tue"], -5, False),
    ],
)
def test_a_day_that_was_missed_is_made_up_for(days: list[str], last: int | None, expected: bool) -> None:
    monday = at(0).date()
    last_date = None if last is None else monday + timedelta(days=last)
    assert schedule.is_day_of(days, monday, last_date=last_date) is expected


# --- over several days, with real mail

ANNA, BO, CY = "anna@union.test", "bo@union.test", "cy@union.test"
LEAK = "Artists leak OpenAI tool Sora in protest"
GOES_ON = "Sora leak: 300 OpenAI testers protest"
ON_HUGGING = "Artists opened the tool to everyone on Hugging Face for hours."
CHOIR = "AI choir angers artists in Graz"


def settings(port: int, selections: str = "", *, to: tuple[str, ...] = (ANNA, BO, CY), more: str = "") -> str:
    return (
        f'{SETTINGS}[email]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\nfrom = "m@news.test"\n'
        f"to = {list(to)}\n{selections}{more}"
    )


LEAKS = f'[email.only."{ANNA}"]\nthemes = ["leak-protest"]\n'
LABOUR = f'[email.only."{BO.upper()}"]\nbeats = ["ai-creative-labour"]\n'
WEEKLY = f'[email.only."{BO}"]\ndays = ["fri"]\n'


def mails(box: Inbox, recipient: str) -> list[str]:
    """Return the text of each mail that a recipient got, with its subject above it."""
    return [
        f"{one.message['Subject']}\n{one.message.get_body(('plain',)).get_content()}"
        for one in box.received
        if one.recipients == (recipient,)
    ]


DAYS = {
    0: [item("leak", LEAK, "Some 300 testers, unpaid.", published=at(5))],
    1: [item("choir", CHOIR, "They sing.", published=at(5, 1))],
    3: [item("rain", "Rain in Graz", "It is wet.", published=at(5, 3))],
}


# What another outlet reports about the leak, two days later.
BESIDE = rss(item("goes-on", GOES_ON, ON_HUGGING, published=at(5, 2)), title="The Other")
BESIDE = BESIDE.replace(b"news.test", b"other.test")


def feeds(server: Loopback) -> list[str]:
    server.on("/b", Reply(rss(title="The Other")))
    return [server.url("/a"), server.url("/b").replace("127.0.0.1", "localhost")]


@dataclass
class Work:
    """A desk in use, which keeps its tools from run to run."""

    server: Loopback
    config: Config
    store: Store
    tools: Tools

    async def poll(self, now: datetime) -> None:
        await pipeline.poll(self.config, self.store, now=now, every=True, tools=self.tools)

    async def publish(self, now: datetime) -> None:
        await pipeline.publish(self.config, self.store, self.config.channels(), now=now)

    async def day(self, day: int) -> None:
        """Poll what was published until then, and send that day's digest."""
        listed = [text for then in range(day + 1) for text in DAYS.get(then, [])]
        self.server.on("/a", page(*reversed(listed)))
        self.server.on("/b", Reply(BESIDE if day >= 2 else rss(title="The Other")))
        await self.poll(at(6, day))
        await self.publish(at(7.5, day))


@asynccontextmanager
async def at_work(server: Loopback, desk: Desk) -> AsyncIterator[Work]:
    config = desk.config
    with open_store(config.database) as store:
        async with Tools(config) as tools:
            yield Work(server, config, store, tools)


async def test_each_gets_what_they_selected_while_stories_develop_and_the_digest_is_the_same_for_all(
    tmp_path: Path,
) -> None:
    async with Loopback() as server, inbox() as box, inbox() as beside:
        urls = feeds(server)
        desk = Desk(tmp_path / "some", urls, settings=settings(box.port, LEAKS + LABOUR, more=NO_FILES))
        without = Desk(tmp_path / "none", urls, settings=settings(beside.port, more=NO_FILES))
        async with at_work(server, desk) as work, at_work(server, without) as other:
            for day in range(4):
                await work.day(day)
                await other.day(day)
                assert comparable(made(work.store, day)) == comparable(made(other.store, day))
            rows = work.store.deliveries.listing()
    anna, bo, cy = (mails(box, who) for who in (ANNA, BO, CY))
    assert [len(anna), len(bo), len(cy)] == [4, 4, 4]
    assert len({one.message_id for one in rows if one.message_id}) == 12

    subjects = [mail.partition("\n")[0] for mail in anna]
    assert LEAK in subjects[0]
    assert subjects[1].startswith("Nothing sure in your selection, 1 other story – ")
    assert LEAK in subjects[2]
    assert subjects[3].startswith("Quiet, nothing sure – ")
    assert "Left out: 1 other story. The whole digest is in the file 2024-12-03.md" in " ".join(
        anna[1].split()
    )
    assert not any(CHOIR in mail for mail in anna)
    assert "day 3, 1 new report" in anna[2]
    assert [GOES_ON in mail for mail in anna] == [False, False, True, False]

    subjects = [mail.partition("\n")[0] for mail in bo]
    assert subjects[0].startswith("Nothing sure in your selection, 1 other story – ")
    assert CHOIR in subjects[1]
    assert subjects[2].startswith("Nothing sure in your selection, 1 other story – ")
    assert [CHOIR in mail for mail in bo] == [False, True, False, False]

    assert all("selection" not in mail for mail in cy)
    assert cy == mails(beside, CY)


def comparable(whole: Digest) -> Digest:
    """Leave out what differs between any two desks: Atom ids, and when a feed is polled next."""
    return replace(whole, origin="", receipt=replace(whole.receipt, feeds=()))


async def test_a_crash_at_any_place_loses_and_doubles_nobodys_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, LEAKS + WEEKLY))
        async with at_work(server, desk) as work:
            store = work.store
            await work.day(0)
            server.on("/a", page(*DAYS[1], *DAYS[0]))
            await work.poll(at(6, 1))
            # Before anything is frozen; and after that, before anything is sent.
            for place in ((pipeline, "freeze"), (outbox, "send_due")):
                with monkeypatch.context() as broken:
                    broken.setattr(*place, interrupted)
                    with pytest.raises(KeyboardInterrupt):
                        await work.publish(at(7.5, 1))
            waiting = [one for one in store.deliveries.waiting() if one.channel == "email"]
            frozen = {one.recipient: one.payload for one in waiting}
            assert sorted(frozen) == [ANNA, CY]
            # In the middle of an attempt; another selection meanwhile changes nothing that is frozen.
            store.deliveries.claim(waiting[-1].id, at(7.5, 1))
            (desk.directory / "monitor.toml").write_text(settings(box.port, LABOUR))
            work.config = desk.config
            outbox.recover(store, now=at(8, 1))
            await work.publish(at(8, 1))
            assert {one.recipients[0]: one.content for one in box.received[2:]} == frozen
            assert [len(mails(box, who)) for who in (ANNA, BO, CY)] == [2, 0, 2]
            sent = outbox.resend(store, at(0, 1).date(), now=at(9, 1))
            await outbox.send_due(store, work.config.channels(), now=at(9, 1))
    assert sent > 2
    again = box.received[-2:]
    assert {one.recipients[0]: one.content for one in again} == frozen


def interrupted(*_: object, **__: Any) -> None:
    raise KeyboardInterrupt


# --- weekly


async def weeks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    selections: str,
    days: int,
    *,
    skipped: tuple[int, ...] = (),
) -> tuple[dict[str, list[Digest]], list[Digest]]:
    """Live some days with one new story each and one that continues; return each recipient's mails, and all
    digests.
    """
    got: dict[str, list[Digest]] = {}
    real = digest_output.mailed

    def noted(part: Digest, recipient: str, *, hold_until: datetime | None) -> RenderedDigest:
        got.setdefault(recipient, []).append(part)
        return real(part, recipient, hold_until=hold_until)

    monkeypatch.setattr(digest_output, "mailed", noted)
    listed: list[str] = []
    async with Loopback() as server, inbox() as box:
        urls = [server.url("/a"), server.url("/again").replace("127.0.0.1", "localhost")]
        desk = Desk(tmp_path / "desk", urls, settings=settings(box.port, selections, more=NO_FILES))
        async with at_work(server, desk) as work:
            for day in range(days):
                place = PLACES[day % len(PLACES)]
                listed.append(item(f"{day}", f"OpenAI tool Sora opens in {place}", published=at(5, day)))
                if day % 3 == 0:
                    title = LEAK if day == 0 else f"{GOES_ON}, day {day}"
                    listed.append(item(f"leak-{day}", title, ON_HUGGING, published=at(5, day)))
                # Another outlet has each link a day or two later.
                server.on("/again", Reply(rss(*reversed(listed[:-2]), title="The Mirror")))
                if day in skipped:
                    continue
                server.on("/a", page(*reversed(listed)))
                await work.poll(at(6, day))
                await work.publish(at(7.5, day))
            whole = [made(work.store, day) for day in range(days) if day not in skipped]
    assert {who: len(parts) for who, parts in got.items()} == {who: len(mails(box, who)) for who in got}
    return got, whole


NO_FILES = "[digest]\nformats = []\n"
PLACES = [
    "Rome",
    "Oslo",
    "Graz",
    "Lima",
    "Riga",
    "Bari",
    "Bonn",
    "Kiel",
    "Lyon",
    "Nice",
    "Cork",
    "Bern",
    "Lund",
    "Metz",
]


@pytest.mark.parametrize("skipped", [(), (4, 5, 8), (11, 12)])
async def test_a_weekly_mail_tells_all_digests_since_the_last_one_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skipped: tuple[int, ...]
) -> None:
    also = f'[email.only."{ANNA}"]\ndays = ["mon", "thu"]\n'
    last = 13 if 11 in skipped else 11  # made up for on Sunday
    got, whole = await weeks(tmp_path, monkeypatch, WEEKLY + also, last + 1, skipped=skipped)
    dates = {who: [part.date for part in parts] for who, parts in got.items()}
    friday = at(0, 6 if 4 in skipped else 4).date()
    assert dates[BO] == [friday, at(0, last).date()]
    assert dates[ANNA] == [at(0, day).date() for day in (0, 3, 7, 10)]
    for who, parts in got.items():
        told = [title for part in parts for title in reported(part)]
        assert sorted(told) == sorted(
            title for one in whole if one.date <= dates[who][-1] for title in reported(one)
        )
        assert len(told) == len(set(told))
        for part, before in zip(parts[1:], parts, strict=False):
            assert part.window.start == before.window.end
    assert any(one.copies for one in whole)
    weekly = got[BO][1]
    shown = view(weekly, ENGLISH, WIDE)
    assert f"to {at(0, last):%A, %d %B %Y}" in shown.heading
    assert "new today" not in forms(weekly)[0]
    assert weekly.receipt.entries == sum(
        one.receipt.entries for one in whole if friday < one.date <= weekly.date
    )


async def test_a_refused_mail_is_made_up_for_by_the_next_and_a_change_of_days_repeats_nothing(
    tmp_path: Path,
) -> None:
    async with Loopback() as server, inbox() as box:
        urls = feeds(server)

        desk = Desk(tmp_path / "desk", urls, settings=settings(box.port, to=(ANNA,), more=NO_FILES))

        def say(selections: str) -> Config:
            (desk.directory / "monitor.toml").write_text(settings(box.port, selections, more=NO_FILES))
            return desk.config

        async with at_work(server, desk) as work:
            store = work.store
            await work.day(0)
            # A new recipient on Tuesday, for Fridays, gets the week from its beginning. One for every day
            # gets no news that earlier digests reported.
            work.config = say(WEEKLY + f'[email.only."{CY}"]\nthemes = ["leak-protest"]\n')
            for day in (1, 2, 3, 4):
                await work.day(day)
            assert [LEAK in mail for mail in mails(box, CY)] == [False, True, False, False]
            assert "day 3, 1 new report" in mails(box, CY)[1]
            (first,) = mails(box, BO)
            (row,) = (one for one in store.deliveries.listing() if one.recipient == BO)
            assert [title in first for title in (LEAK, CHOIR, GOES_ON)] == [True] * 3
            # The server refused it for good; a week later it is reported together with what is new.
            store.deliveries.save(replace(row, state="failed", last_error="550 full"), at(8, 4))
            await work.day(11)
            assert all(title in mails(box, BO)[1] for title in (LEAK, CHOIR, GOES_ON))
            # Anna got all of it daily, so it does not belong into a mail for Saturdays.
            work.config = say(WEEKLY + f'[email.only."{ANNA}"]\ndays = ["sat"]\n')
            await work.day(12)
    last = mails(box, ANNA)[-1]
    assert last.startswith("Quiet, nothing sure")
    assert not any(title in last for title in (LEAK, CHOIR, GOES_ON))


@pytest.mark.parametrize("then", ["", f'[email.only."{BO}"]\nlanguages = ["en"]\n'])
async def test_a_recipient_who_changes_from_weekly_to_daily_gets_the_days_between_once(
    tmp_path: Path, then: str
) -> None:
    async with Loopback() as server, inbox() as box:
        first = f'[email.only."{BO}"]\ndays = ["mon"]\n'
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, first, more=NO_FILES))
        async with at_work(server, desk) as work:
            for day in range(3):
                await work.day(day)
            assert len(mails(box, BO)) == 1
            (desk.directory / "monitor.toml").write_text(settings(box.port, then, more=NO_FILES))
            work.config = desk.config
            looked = digest_input.preview(work.config, work.store, now=at(7.5, 3), recipient=BO)
            assert sorted(reported(looked)) == sorted([CHOIR, GOES_ON])
            for day in (3, 4):
                await work.day(day)
    assert [CHOIR in mail for mail in mails(box, BO)] == [False, True, False]
    assert [GOES_ON in mail for mail in mails(box, BO)] == [False, True, False]
    assert "2 Dec 2024 to 5 Dec 2024" in mails(box, BO)[1].partition("\n")[0]
    assert [len(mails(box, who)) for who in (ANNA, CY)] == [5, 5]


@pytest.mark.parametrize("held_back", ["[digest]\nformats = []\nsend_if_empty = false\n", "score"])
async def test_a_mail_not_sent_for_lack_of_news_is_not_made_up_for(tmp_path: Path, held_back: str) -> None:
    only = f'[email.only."{ANNA}"]\nthemes = ["unpaid-labour"]\n'
    low = "min_score = 99\n" if held_back == "score" else ""
    more = NO_FILES if low else held_back
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, low + only, more=more))
        async with at_work(server, desk) as work:
            await work.day(0)
            # The mail for a broken day is sent whatever it contains.
            server.on("/a", Reply(status=500))
            server.on("/b", Reply(status=500))
            for day in (1, 2):
                await work.poll(at(6, day))
                await work.publish(at(7.5, day))
    assert [" to " in mail.partition("\n")[0] for mail in mails(box, ANNA)][-1:] == [False]
    assert mails(box, CY)[-1].startswith("BROKEN")
    assert " to " not in mails(box, CY)[-1].partition("\n")[0]


async def test_an_address_that_is_written_otherwise_is_the_same_recipient(tmp_path: Path) -> None:
    async with Loopback() as server, inbox() as box:
        daily = f'[email.only."{BO}"]\ndays = ["mon", "tue", "wed"]\n'
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, daily, more=NO_FILES))
        async with at_work(server, desk) as work:
            for day in (0, 1):
                await work.day(day)
            for one in work.store.deliveries.listing(edition=digest_key(at(0, 1).date()))[:3]:
                again = replace(one, state="pending", next_attempt_at=at(8, 1))
                work.store.deliveries.save(again, at(8, 1))
            other = settings(box.port, daily, to=("Anna@union.test", "Bo@Union.test", CY), more=NO_FILES)
            (desk.directory / "monitor.toml").write_text(other)
            work.config = desk.config
            await work.publish(at(9, 1))
            assert [len(mails(box, who)) for who in (ANNA, BO, CY)] == [3, 3, 3]
            await work.day(2)
    (last,) = mails(box, "Bo@union.test")
    assert GOES_ON in last
    assert CHOIR not in last


async def test_a_recipient_off_the_list_for_long_gets_a_week_when_they_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DAYS, 8, [item("gap", "AI bands anger artists", "Loud.", published=at(5, 8))])
    monkeypatch.setitem(DAYS, 55, [item("now", "AI plays anger artists", "Long.", published=at(5, 55))])
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, WEEKLY, more=NO_FILES))
        async with at_work(server, desk) as work:
            for day in (0, 4):
                await work.day(day)
            for to, days in (((CY,), (8, 12, 25, 40, 52, 55)), ((CY, BO), (56, 60))):
                (desk.directory / "monitor.toml").write_text(
                    settings(box.port, WEEKLY if BO in to else "", to=to, more=NO_FILES)
                )
                work.config = desk.config
                for day in days:
                    await work.day(day)
    first, back = mails(box, BO)
    assert LEAK in first
    assert "AI plays anger artists" in back
    assert not any(title in back for title in (LEAK, CHOIR, "AI bands anger artists"))


async def test_a_mail_that_waits_while_its_recipient_is_off_the_list_is_made_up_for_by_their_next_one(
    tmp_path: Path,
) -> None:
    at_noon = f'[email.only."{BO}"]\ntime = "12:00"\n'
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, at_noon, more=NO_FILES))
        async with at_work(server, desk) as work:
            await work.day(0)
            await work.publish(at(12.5))
            await work.day(1)
            for to, selections, day in ((ANNA,), "", 2), ((ANNA, BO), at_noon, 3), ((ANNA, BO), at_noon, 4):
                (desk.directory / "monitor.toml").write_text(
                    settings(box.port, selections, to=to, more=NO_FILES)
                )
                work.config = desk.config
                await work.publish(at(12.5, day - 1))
                await work.day(day)
            await work.publish(at(12.5, 4))
    assert [[title in mail for title in (LEAK, CHOIR)] for mail in mails(box, BO)] == [
        [True, False],
        [False, True],
        [False, False],
    ]


async def test_a_monthly_mail_tells_the_month_and_one_that_is_made_up_for_loses_no_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DAYS, 29, [item("eve", "AI plays anger artists", "Long.", published=at(5, 29))])
    monkeypatch.setitem(DAYS, 45, [item("mid", "AI bands anger artists", "Loud.", published=at(5, 45))])
    monthly = f'[email.only."{BO}"]\ndays = ["1st"]\n'
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, monthly, more=NO_FILES))
        async with at_work(server, desk) as work:
            for day in (0, 1, 29, 31, 32, 45, 61, 62):  # not on 1 January
                await work.day(day)
            rows = [one for one in work.store.deliveries.listing() if one.recipient == BO]
    assert [one.edition for one in rows] == ["digest:2025-02-01", "digest:2025-01-02"]
    december, january = mails(box, BO)
    titles = [LEAK, CHOIR, GOES_ON, "AI plays anger artists", "AI bands anger artists"]
    assert [title in december for title in titles] == [True, True, True, True, False]
    assert [title in january for title in titles] == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("first", "then", "last"),
    [
        (
            'days = ["fri"]\n',
            'days = ["fri"]\n',
            19,
        ),  # nothing ran from Thursday to Saturday of the next week
        ('days = ["3rd"]\n', "", 18),
        ('days = ["3rd"]\n', 'days = ["fri"]\n', 18),
        ('days = ["fri"]\n', 'days = ["3rd"]\n', 32),
    ],
)
async def test_neither_an_outage_nor_other_days_lose_what_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, then: str, last: int
) -> None:
    waited = {5: "AI plays anger artists", 10: "AI bands anger artists"}
    for day, title in waited.items():
        monkeypatch.setitem(DAYS, day, [item(str(day), title, "Loud.", published=at(5, day))])
    table = f'[email.only."{BO}"]\n'
    async with Loopback() as server, inbox() as box:
        desk = Desk(
            tmp_path / "desk", feeds(server), settings=settings(box.port, table + first, more=NO_FILES)
        )
        async with at_work(server, desk) as work:
            for day in (0, 1, 4, 5, 10):
                await work.day(day)
            (desk.directory / "monitor.toml").write_text(settings(box.port, table + then, more=NO_FILES))
            work.config = desk.config
            await work.day(last)
    told = mails(box, BO)
    assert [sum(title in mail for mail in told) for title in (CHOIR, *waited.values())] == [1] * 3
    assert all(title in told[-1] for title in waited.values())


async def test_a_mail_given_up_after_the_next_was_made_is_made_up_for_by_the_one_after_it(
    tmp_path: Path,
) -> None:
    twice = f'[email.only."{BO}"]\ndays = ["mon", "thu"]\n'
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, twice, more=NO_FILES))
        async with at_work(server, desk) as work:
            deliveries = work.store.deliveries
            await work.day(0)
            for day in (1, 2, 3):
                await work.day(day)
            thursday = next(
                one for one in deliveries.listing() if one.recipient == BO and one.edition.endswith("-05")
            )
            await work.day(7)
            # The server accepted Monday's mail, and refused Thursday's until it was too old.
            deliveries.save(replace(thursday, state="failed", last_error="451 later"), at(8, 8))
            for day in (10, 14):
                await work.day(day)
    assert [CHOIR in mail for mail in mails(box, BO)] == [False, True, False, True, False]


# --- at a time of their own


@given(st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: at(0) + timedelta(minutes=minutes)), st.times())
@example(datetime(2024, 10, 26, 5, tzinfo=UTC), time(6, 59))
@example(datetime(2024, 3, 31, 0, 30, tzinfo=UTC), time(2, 30))
def test_a_mail_is_held_until_the_first_such_time_and_never_longer_than_a_day(
    after: datetime, wanted: time
) -> None:
    wanted = wanted.replace(second=0, microsecond=0)
    held = schedule.held_until(wanted, after, digest.Settings(timezone="Europe/Berlin"))
    assert timedelta(0) <= held - after <= timedelta(hours=25)
    shown = held.astimezone(ZoneInfo("Europe/Berlin")).time()
    assert shown == wanted or wanted.hour == 2  # the hour that the clocks skip


def test_a_mail_for_the_time_at_which_its_digest_is_due_is_not_held_for_a_day() -> None:
    due = datetime(2024, 12, 3, 6, tzinfo=UTC)
    assert schedule.held_until(time(7), due, digest.Settings(timezone="Europe/Berlin")) == due


EVENING = f'[email.only."{BO}"]\ntime = "18:00"\n[email.only."{CY}"]\ntime = "05:30"\n'


async def test_a_mail_goes_out_once_at_the_time_that_its_recipient_has_set(tmp_path: Path) -> None:
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, EVENING, more=NO_FILES))
        async with at_work(server, desk) as work:
            store = work.store

            async def arrived(hour: float) -> list[int]:
                outbox.recover(store, now=at(hour))
                await work.publish(at(hour))
                return [len(mails(box, who)) for who in (ANNA, BO, CY)]

            await work.day(0)
            assert await arrived(7.5) == [1, 0, 0]
            assert not health.status(work.config, store, now=at(16)).problems
            lines = run(desk.directory, "digests", now=at(16)).out
            assert f"email to {BO}: pending; held until 2024-12-02 18:00" in lines
            assert f"email to {CY}: pending; held until 2024-12-03 05:30" in lines
            assert await arrived(17.9) == [1, 0, 0]
            assert [one.what for one in health.status(work.config, store, now=at(19.5)).problems] == [
                f"email to {BO} waiting, and was never tried"
            ]
            (held,) = store.deliveries.due(at(18))
            store.deliveries.claim(held.id, at(18))  # and its sender dies
            assert await arrived(18.1) == [1, 1, 0]
            # It contains what was frozen in the morning; what came since belongs to the next digest.
            server.on("/a", page(*DAYS[1], *DAYS[0]))
            await work.poll(at(20))
            assert await arrived(29.4) == [1, 1, 0]
            assert await arrived(29.5) == [1, 1, 1]
            await work.day(1)
            assert await arrived(24 + 18) == [2, 2, 1]
            # A digest made in the night, after the evening's time, does not wait for the next evening.
            await work.poll(at(6, 2))
            assert await arrived(48 + 22) == [3, 3, 2]
    assert [CHOIR in mail for mail in mails(box, CY)] == [False, True]
    sent = [one.message["Date"].datetime for one in box.received if one.recipients == (BO,)]
    assert sent == [at(18), at(18, 1), at(22, 2)]


# --- in their own language


async def test_a_mail_and_an_alert_speak_their_recipients_language(tmp_path: Path) -> None:
    german = f'[email.only."{BO}"]\nlanguage = "de"\nthemes = ["leak-protest"]\n'
    alert = '[alert]\nmin_score = 0.1\nmin_sources = 1\nchannels = ["email", "files"]\n'
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, german, more=alert))
        async with at_work(server, desk) as work:
            server.on("/a", page(*DAYS[0]))
            await work.poll(at(6))
            await work.publish(at(6.5))
            shown = digest_input.preview(work.config, work.store, now=at(6.6), recipient=BO)
            await work.publish(at(7.5))
            whole = made(work.store, 0)
            files = [file.read_text("utf-8") for file in work.config.files.output_dir.glob("*-alert-*.md")]
    alert, mail = mails(box, BO)
    assert alert.startswith("Sora-Monitor")
    assert "Auswahl: Leck und Protest" in mail
    assert "Montag, 2. Dezember 2024" in mail
    alert, mail = mails(box, CY)
    assert alert.startswith("Sora monitor")
    assert "Monday, 2 December 2024" in mail
    assert (shown.language, whole.language) == ("de", "en")
    assert ["Sora monitor" in file for file in files] == [True]
    languages_said = {one.message["Content-Language"] for one in box.received if one.recipients == (BO,)}
    assert languages_said == {"de"}


@pytest.mark.parametrize("since", ["late", "marked", "closed"])
async def test_entries_of_a_past_window_are_collected_and_a_copy_of_a_reported_one_is_not(
    tmp_path: Path, since: str
) -> None:
    some = f'[email.only."{BO}"]\ndays = ["mon", "thu"]\n'
    async with Loopback() as server, inbox() as box:
        written = settings(box.port, some, more=NO_FILES)
        if since == "closed":
            written = written.replace("[stories]", '[stories]\nopen_for = "2h"')
        desk = Desk(tmp_path / "desk", feeds(server), settings=written)
        async with at_work(server, desk) as work:
            store = work.store
            server.on("/a", page(item("rain", "Rain in Graz", "It is wet.", published=at(5))))
            await work.poll(at(6))
            await work.publish(at(7.5))
            server.on("/a", page(*DAYS[0]))
            await work.poll(at(8))
            if since == "late":  # seen before that digest's end, and not reported by it, for whatever reason
                store._db.change("update entries set news_at = (select news_at from entries where id = 1)")
            await work.publish(at(7.5, 1))
            assert reported(made(store, 1)) == [LEAK]
            if since == "marked":
                (told,) = store.entries.listing()
                await reject(desk, told.id, now=at(8, 1))
            again = item("leak", LEAK, "Some 300 testers, unpaid.", published=at(5, 2))
            server.on("/b", Reply(rss(again, title="The Other")))
            for day in (2, 3):
                await work.poll(at(6, day))
                await work.publish(at(7.5, day))
            assert [reported(made(store, day)) for day in (2, 3)] == [[], []]
            assert len(store.stories.listing()) == (2 if since == "closed" else 1)
    last = mails(box, BO)[-1]
    assert last.count(LEAK) == (0 if since == "marked" else 2)  # the subject and the story
    assert ("also in The Other" in last) == (since == "late")


@pytest.mark.parametrize(("send_if_empty", "days"), [("true", [0, 1]), ("false", [1])])
async def test_an_empty_part_is_sent_or_not_as_the_whole_is(
    tmp_path: Path, send_if_empty: str, days: list[int]
) -> None:
    more = f"[digest]\nformats = []\nsend_if_empty = {send_if_empty}\n"
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, LABOUR, more=more))
        async with at_work(server, desk) as work:
            for day in (0, 1):
                await work.day(day)
            sent = {one.edition for one in work.store.deliveries.listing() if one.recipient == BO}
    assert sent == {f"digest:{at(0, day).date()}" for day in days}
    assert len(mails(box, CY)) == 2


async def test_a_quiet_day_that_is_sent_to_nobody_still_brings_the_weekly_mail(tmp_path: Path) -> None:
    more = "[digest]\nformats = []\nsend_if_empty = false\n"
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, WEEKLY, more=more))
        async with at_work(server, desk) as work:
            for day in range(5):
                await work.day(day)
    assert len(mails(box, CY)) == 3
    (weekly,) = mails(box, BO)
    assert all(title in weekly for title in (LEAK, CHOIR, GOES_ON))


async def test_alerts_go_to_those_whose_selection_lets_the_story_through_on_any_day(tmp_path: Path) -> None:
    more = NO_FILES + "[alert]\nmin_score = 0.1\nmin_sources = 1\n"
    weekly = f'[email.only."{ANNA}"]\nthemes = ["leak-protest"]\ndays = ["fri"]\n'
    async with Loopback() as server, inbox() as box:
        desk = Desk(tmp_path / "desk", feeds(server), settings=settings(box.port, weekly + LABOUR, more=more))
        async with at_work(server, desk) as work:
            server.on("/a", page(*DAYS[0]))
            await work.poll(at(6))
            await pipeline.deliver(work.config, work.store, work.config.channels(), now=at(6.5))
    assert sorted(one.recipients[0] for one in box.received) == [ANNA, CY]
    assert all("alert: Artists leak" in str(one.message["Subject"]) for one in box.received)


# --- as the user sees it


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = polled(tmp_path_factory.mktemp("desk"))
    (directory / "monitor.toml").write_text(settings(25, LEAKS + f'[email.only."{BO}"]\ndays = ["fri"]\n'))
    return directory


def test_what_a_recipient_gets_can_be_looked_at(desk: Path) -> None:
    shown = run(desk, "digest", "--for", ANNA.upper(), now=at(12)).out
    assert "Testers leak OpenAI tool Sora in protest" in shown
    assert CHOIR not in shown
    assert "Your selection: Leak and protest" in shown
    past = run(desk, "digest", "--since", "2024-12-02T00:00Z", "--for", ANNA, now=at(12)).out
    assert "Left out: 1 other story" in past
    assert CHOIR in run(desk, "digest", "--for", BO, now=at(12)).out
    whole = run(desk, "digest", "--for", CY, now=at(12)).out
    assert whole == run(desk, "digest", now=at(12)).out
    told = run(desk, "digest", "--for", ANNA, "--format", "json", now=at(12)).json
    assert (told["part"]["stories"], len(told["stories"])) == (1, 1)


def test_an_unknown_recipient_is_named_together_with_the_likely_one(desk: Path) -> None:
    refused = run(desk, "digest", "--for", "ana@union.test", now=at(12))
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "did you mean 'anna@union.test'?" in refused.err


def test_the_output_says_when_nobody_gets_mail(tmp_path: Path) -> None:
    assert "no [email]" in run(Desk(tmp_path / "desk", []).directory, "digest", "--for", ANNA).err


def test_faults_of_selections_are_reported_with_the_right_word(tmp_path: Path) -> None:
    selections = (
        f'[email.only."{ANNA}"]\nthemes = ["leak-protests", "sora"]\nbeats = ["leak-protest"]\ndays = []\n'
        f'min_score = -1\ntheme = []\nlanguage = "la"\ntime = "25:00"\n'
        f'[email.only."anna@UNION.test"]\nlanguages = ["english"]\n'
        '[email.only."bob@union.test"]\n'
    )
    Desk(tmp_path / "desk", [], settings=settings(25, selections))
    told = run(tmp_path / "desk", "check").err
    for words in (
        """only."anna@union.test".themes[1]: there is no 'leak-protests'; did you mean 'leak-protest'?""",
        "themes[2]: 'sora' belongs under beats",
        "beats[1]: 'leak-protest' belongs under themes",
        "days: expected a list of weekdays (mon to sun) or days of the month (1st to 28th)",
        "min_score: expected a number from 0 up (got -1)",
        "theme: unknown key; did you mean 'themes'?",
        f"language: there is no 'la'; known: {', '.join(languages.AVAILABLE)}",
        'time: expected a time of day such as "07:00" (got',
        """only."anna@UNION.test": is listed twice""",
        "languages[1]: expected a language",
        """only."bob@union.test": gets no mail: it is not in `to`; did you mean 'bo@union.test'?""",
    ):
        assert words in told, told
    assert told.count("\n") == 11


@pytest.mark.parametrize("only", ["3", '{themes = ["sora"]}', "[]"])
def test_a_selection_without_a_recipient_is_one_fault(tmp_path: Path, only: str) -> None:
    Desk(tmp_path / "desk", [], settings=settings(25, f"only = {only}\n"))
    told = run(tmp_path / "desk", "check")
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert 'expected a table, [email.only."you@example.org"]' in told.err


def test_a_selection_is_known_by_the_address_however_it_is_written(tmp_path: Path) -> None:
    to = ("Anna Ädler <Anna@Union.Test>", "bo@straße.test")
    only = '[email.only."Chair <anna@union.test>"]\nthemes = []\n[email.only."bo@xn--strae-oqa.test"]\ndays = ["mon"]\n'
    config = Desk(tmp_path / "desk", [], settings=settings(25, only, to=to)).config
    assert config.recipients == config.selections.keys() == {"Anna@union.test", "bo@xn--strae-oqa.test"}
