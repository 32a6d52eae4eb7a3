"""feeds.toml and the curated list: which feeds are followed, and edits that leave all other lines as they
were.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import config
from monitor.config import feedlist
from monitor.config.subscriptions import Subscriptions, feed_of, to_attributes
from monitor.errors import ConfigError, MonitorError
from monitor.models import Feed
from monitor.toml import TomlDocument

SHIPPED = """\
[[feed]]
url = "https://tech.example/feed"
title = "Tech"
group = "technology"
kind = "technology"
weight = 2
robots = "ok"

[[feed]]
url = "https://more.example/feed"
group = "technology"

[[feed]]
url = "https://guild.example/feed"
title = "The Guild"
group = "unions"
kind = "union"
"""
TECH, MORE, GUILD = (f"https://{name}.example/feed" for name in ("tech", "more", "guild"))
MINE = """\
# mine, by hand
follow = ["technology"]  # no unions yet

# --- group

[[feed]]
url = "https://one.example/feed"   # the first
title = "One"

# about two
[[feed]]
title = 'Two'
url = "https://user:hunter2@two.example/feed"
tags = [
  "a",  # why
  "b",
]
# tail
"""


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch):
    (tmp_path / "topic").mkdir()
    (tmp_path / "topic" / "feeds.toml").write_text(SHIPPED)
    monkeypatch.setattr(feedlist, "TOPIC", tmp_path / "topic")
    feedlist.curated.cache_clear()
    yield
    feedlist.curated.cache_clear()


@pytest.fixture
def directory(tmp_path) -> Path:
    (tmp_path / "feeds.toml").write_text(MINE)
    return tmp_path


def followed(directory: Path) -> dict[str, bool]:
    return {feed.url: feed.enabled for feed in config.load(directory, {}).feeds}


def edited(directory: Path, edit) -> str:
    listed = Subscriptions(directory)
    edit(listed)
    listed.save()
    return (directory / "feeds.toml").read_text()


def test_the_shipped_list_is_without_fault(monkeypatch):
    monkeypatch.setattr(feedlist, "TOPIC", Path(config.__file__).parents[1] / "topic")
    feedlist.curated.cache_clear()
    assert len(feedlist.curated()) >= 49
    assert {"technology", "unions", "search"} <= set(feedlist.groups())
    assert all(feed.group and feed.kind and feed.title for feed in feedlist.curated().values())


def test_the_starter_names_every_group(monkeypatch):
    monkeypatch.setattr(feedlist, "TOPIC", Path(config.__file__).parents[1] / "topic")
    feedlist.curated.cache_clear()
    starter = (config.starter() / "feeds.toml").read_text()
    assert set(feedlist.groups()) - set(feedlist.follow(TomlDocument("feeds.toml", starter))) == {"search"}
    assert all(group in starter.partition("\nfollow")[0] for group in feedlist.groups())


def test_groups_are_followed_and_single_feeds_switched(tmp_path):
    text = f'follow = ["technology"]\n[[feed]]\nurl = "{MORE}"\nenabled = false\n[[feed]]\nurl = "{GUILD}"\nweight = 3\n'
    (tmp_path / "feeds.toml").write_text(text)
    tech, more, guild = config.load(tmp_path, {}).feeds
    assert (tech.url, tech.title, tech.weight, tech.enabled) == (TECH, "Tech", 2, True)
    assert (more.url, more.enabled) == (MORE, False)
    assert (guild.title, guild.kind, guild.weight, guild.enabled) == ("The Guild", "union", 3, True)


def test_a_list_without_groups_is_as_it_was(tmp_path):
    (tmp_path / "feeds.toml").write_text(f'[[feed]]\nurl = "{TECH}"\n')
    assert followed(tmp_path) == {TECH: True}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('follow = "technology"', r"feeds.toml:1: follow: expected a list of groups"),
        ("feed = 3", r"feeds.toml:1: feed: expected tables"),
        ('feed = ["https://x.example/"]', r"feeds.toml:1: feed: expected tables"),
    ],
)
def test_a_list_of_another_form_is_a_fault(tmp_path, text, fault):
    (tmp_path / "feeds.toml").write_text(text)
    with pytest.raises(ConfigError, match=fault):
        config.load(tmp_path, {})


def test_a_curated_list_at_fault_is_reported(tmp_path, monkeypatch):
    (tmp_path / "feeds.toml").write_text('[[feed]]\nurl = "nowhere"\n')
    monkeypatch.setattr(feedlist, "TOPIC", tmp_path)
    feedlist.curated.cache_clear()
    with pytest.raises(ConfigError, match="expected an address"):
        feedlist.curated()
    feedlist.curated.cache_clear()


def test_an_unknown_group_is_a_fault(tmp_path):
    (tmp_path / "feeds.toml").write_text('follow = [\n"technology",\n"union"]\n')
    with pytest.raises(
        ConfigError, match=r"feeds.toml:3: follow\[2\]: there is no group 'union'; did you mean 'unions'"
    ):
        config.load(tmp_path, {})


def test_an_added_feed_comes_last_and_is_taken_out_without_a_trace(directory):
    new = Feed(
        url="https://c.example/?q=ü",
        title='Say "C" \\ [[feed]]',
        tags=("a",),
        interval=timedelta(hours=6),
        weight=0.5,
    )
    text = edited(directory, lambda listed: listed.add([new, Feed(url="HTTPS://one.example/feed"), new]))
    assert text.startswith(MINE.rstrip())
    assert config.load(directory, {}).feeds[-1] == new
    assert edited(directory, lambda listed: listed.remove(listed.find(new.url))).rstrip() == MINE.rstrip()


def test_a_feed_is_taken_out_and_comments_stay(directory):
    text = edited(directory, lambda listed: listed.remove(listed.find("One")))
    assert text == MINE.replace(
        '[[feed]]\nurl = "https://one.example/feed"   # the first\ntitle = "One"\n\n', ""
    )


def test_a_feed_is_switched_off_and_on_where_it_stands(directory):
    off = edited(directory, lambda listed: listed.switch(listed.find("Two"), on=False))
    assert off == MINE.replace('  "b",\n]\n', '  "b",\n]\nenabled = false\n')
    on = edited(directory, lambda listed: listed.switch(listed.find("Two"), on=True))
    assert on == off.replace("enabled = false", "enabled = true")


def test_a_curated_feed_is_switched_off_and_on(directory):
    off = edited(directory, lambda listed: listed.switch(listed.find(TECH), on=False))
    assert off == f'{MINE}\n[[feed]]\nurl = "{TECH}"\nenabled = false\n'
    assert (
        edited(directory, lambda listed: listed.switch(listed.find(TECH), on=True)).rstrip() == MINE.rstrip()
    )
    edited(directory, lambda listed: listed.switch(listed.find("The Guild"), on=True))
    assert followed(directory)[GUILD]


def test_a_curated_feed_that_is_shipped_off_is_switched_on_and_off_again(directory):
    path = directory / "topic" / "feeds.toml"
    path.write_text(SHIPPED.replace("weight = 2", "enabled = false"))
    feedlist.curated.cache_clear()
    for on in (True, False, True):
        edited(directory, lambda listed, on=on: listed.switch(listed.find(TECH), on=on))
        assert followed(directory)[TECH] is on


def test_a_curated_feed_that_is_removed_does_not_come_back_with_its_group(directory):
    edited(directory, lambda listed: listed.remove(listed.find(TECH)))
    assert followed(directory)[TECH] is False
    assert followed(directory)[MORE] is True


def test_a_feed_is_renamed(directory):
    text = edited(directory, lambda listed: listed.rename(listed.find("One"), 'The "One"'))
    assert text == MINE.replace('title = "One"', 'title = "The \\"One\\""')
    edited(directory, lambda listed: listed.rename(listed.find(TECH), "Technik"))
    assert config.load(directory, {}).feeds[0].title == "Technik"


def test_a_curated_feed_gets_its_own_name_back(directory):
    edited(directory, lambda listed: listed.rename(listed.find(TECH), ""))
    assert config.load(directory, {}).feeds[0].title == ""


def test_an_address_between_blanks_is_the_one_that_is_edited(directory):
    (directory / "feeds.toml").write_text(MINE.replace('"https://one.example', '" https://one.example'))
    edited(directory, lambda listed: listed.remove(listed.find("One")))
    assert "https://one.example/feed" not in followed(directory)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("HTTPS://Tech.Example", "https://tech.example/", True),
        ("https://Tech.example?a=B", "https://tech.example/?a=B", True),
        ("https://tech.example/Feed", "https://tech.example/feed", False),
        ("https://tech.example?a=B", "https://tech.example?a=b", False),
        ("https://reader:Secret@tech.example/", "https://reader:secret@tech.example/", False),
    ],
)
def test_what_is_one_address(one, other, same):
    assert (feedlist.same_address(one) == feedlist.same_address(other)) is same


def test_what_somebody_else_wrote_meanwhile_stands(directory):
    listed = Subscriptions(directory)
    listed.add([Feed(url="https://new.example/")])
    meanwhile = MINE + '[[feed]]\nurl = "https://meanwhile.example/"\n'
    (directory / "feeds.toml").write_text(meanwhile)
    with pytest.raises(MonitorError, match="changed by somebody else"):
        listed.save()
    assert (directory / "feeds.toml").read_text() == meanwhile


def test_what_is_off_stays_off_when_it_moves_and_keeps_its_remarks(directory):
    own = f'[[feed]]\n# too loud\nurl = "{TECH}"  # remark\nenabled = false\n'
    (directory / "feeds.toml").write_text(MINE + own)
    text = edited(directory, lambda listed: listed.move(listed.find(TECH), "https://quiet.example/"))
    moved = config.load(directory, {}).feeds[-1]
    assert (moved.url, moved.title, moved.weight, moved.enabled) == (
        "https://quiet.example/",
        "Tech",
        2,
        False,
    )
    assert "# too loud" in text
    assert "# remark" in text
    assert not followed(directory)[TECH]


def test_a_private_host_is_a_host(directory):
    (directory / "feeds.toml").write_text(
        '[[feed]]\nurl = "https://box.local/"\nprivate_host = "https://box.local/"\n'
    )
    with pytest.raises(ConfigError, match="private_host: expected a host"):
        config.load(directory, {})
    (directory / "feeds.toml").write_text('[[feed]]\nurl = "https://box.local/"\nprivate_host = ""\n')
    assert config.load(directory, {}).feeds[0].private_host == ""


def test_a_curated_feed_moves_to_another_spelling_of_its_address(directory):
    edited(directory, lambda listed: listed.rename(listed.find(TECH), "Technik"))
    text = edited(directory, lambda listed: listed.move(listed.find(TECH), TECH.replace("tech.", "Tech.")))
    assert "https://Tech.example/feed" in text
    assert TECH not in text


def test_a_feed_is_moved_with_all_that_is_set(directory):
    text = edited(directory, lambda listed: listed.move(listed.find("One"), "https://new.example/"))
    assert text == MINE.replace("https://one.example/feed", "https://new.example/")
    edited(directory, lambda listed: listed.move(listed.find(TECH), "https://new-tech.example/"))
    feeds = {feed.url: feed for feed in config.load(directory, {}).feeds}
    assert not feeds[TECH].enabled
    assert feeds["https://new-tech.example/"] == replace(
        feeds[TECH], url="https://new-tech.example/", enabled=True
    )
    with pytest.raises(MonitorError, match="in the list already"):
        edited(directory, lambda listed: listed.move(listed.find("Two"), MORE))


@pytest.mark.parametrize(
    ("wanted", "url"),
    [
        (TECH.upper().replace("FEED", "feed"), TECH),
        ("https://***@two.example/feed", "https://user:hunter2@two.example/feed"),
        ("one", "https://one.example/feed"),
        ("guild", GUILD),
    ],
)
def test_a_feed_is_found_by_address_or_name(directory, wanted, url):
    assert Subscriptions(directory).find(wanted).url == url


@pytest.mark.parametrize("wanted", ["nope", "https://nope.example/", ""])
def test_what_is_not_found_is_reported(directory, wanted):
    with pytest.raises(MonitorError):
        Subscriptions(directory).find(wanted)


def test_an_edit_that_would_not_load_is_not_made(directory):
    with pytest.raises(ConfigError, match=r"feed\[3\].url"):
        edited(directory, lambda listed: listed.add([Feed(url="https://bad.example:80443/")]))
    assert (directory / "feeds.toml").read_text() == MINE


def test_a_file_that_is_at_fault_is_not_touched(directory):
    (directory / "feeds.toml").write_text(MINE + "[[feed]]\nulr = 1\n")
    with pytest.raises(ConfigError, match=r"feeds.toml:\d+: feed\[3\]"):
        Subscriptions(directory)


def test_feeds_on_one_line_can_be_added_to_and_say_when_they_cannot_be_edited(tmp_path):
    inline = 'feed = [{ url = "https://a.example/" }]\n'
    (tmp_path / "feeds.toml").write_text(inline)
    listed = Subscriptions(tmp_path)
    with pytest.raises(ConfigError, match=r"feeds.toml:1: feed\[1\]: is no \[\[feed\]\] table"):
        listed.remove(listed.find("https://a.example/"))
    assert (tmp_path / "feeds.toml").read_text() == inline


def test_mode_and_link_of_the_file_stay(directory, tmp_path):
    real = tmp_path / "elsewhere.toml"
    (directory / "feeds.toml").rename(real)
    (directory / "feeds.toml").symlink_to(real)
    real.chmod(0o600)
    old = os.umask(0o022)
    try:
        edited(directory, lambda listed: listed.add([Feed(url="https://c.example/")]))
    finally:
        os.umask(old)
    assert (directory / "feeds.toml").is_symlink()
    assert "c.example" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == []


def test_line_ends_of_windows_stay(tmp_path):
    text = MINE.replace("\n", "\r\n")
    (tmp_path / "feeds.toml").write_bytes(text.encode())
    edited(tmp_path, lambda listed: listed.rename(listed.find("One"), "Eins"))
    assert (tmp_path / "feeds.toml").read_bytes() == text.replace('"One"', '"Eins"').encode()
    edited(tmp_path, lambda listed: listed.switch(listed.find("Eins"), on=False))
    edited(tmp_path, lambda listed: listed.add([Feed(url="https://c.example/")]))
    written = (tmp_path / "feeds.toml").read_bytes()
    assert b"enabled = false\r\n" in written
    assert written.count(b"\n") == written.count(b"\r\n")


def test_every_setting_of_a_feed_goes_through_attributes():
    feed = Feed(
        url="https://a.example/", interval=timedelta(hours=6), weight=0.5, family="F & G", kind="union",
        group="own", enabled=False, private_host="box.local",
    )  # fmt: skip
    assert feed_of(feed.url, to_attributes(feed)) == feed
    wild = {"interval": "often", "weight": "1e9", "enabled": "no", "family": "F"}
    assert feed_of(feed.url, wild, lenient=True) == Feed(url=feed.url, family="F")
    with pytest.raises(ValueError, match="interval: expected a duration"):
        feed_of(feed.url, wild)
