"""The configuration: all faults are reported at once, each with file and key, and with the key that was
probably meant.
"""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from monitor import config
from monitor.config import feedlist
from monitor.deliver import CHANNELS
from monitor.errors import ConfigError

HTTP = "starts with http:// or https://"
FEED = '[[feed]]\nurl = "https://outlet.example/feed"\n'


def write(directory: Path, *, monitor: str = "", feeds: str = FEED, themes: str | None = None) -> Path:
    (directory / "monitor.toml").write_text(monitor, encoding="utf-8")
    (directory / "feeds.toml").write_text(feeds, encoding="utf-8")
    if themes is not None:
        (directory / "themes.toml").write_text(themes, encoding="utf-8")
    return directory


def faults(directory: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.load(directory, {})
    return [str(fault) for fault in caught.value.faults]


def test_faults_of_saved_searches_are_reported(tmp_path):
    searches = (
        '[archive.search.A]\nqueries = []\n[archive.search.B]\nqueries = ["*", 3]\ntheme = "copyrigth"\n'
        '[archive.search.""]\nqueries = ["x"]\n[archive.search.C]\nquery = "x"\n'
        '[archive.search.b]\nqueries = ["x"]\n[archive.search.d]\nqueries = ["x"]\n'
        '[archive.search.D]\nqueries = ["x"]\n'
    )
    told = faults(write(tmp_path, monitor=searches))
    for words in (
        "search.A.queries: expected a list with something in it",
        "search.B.queries[1]: expected words to search for",
        "search.B.queries[2]: expected a text in quotes",
        "search.B.theme: there is no 'copyrigth'; did you mean 'copyright'?",
        'search."": needs a name',
        "search.b: differs from another only in capital letters",
        "search.D: differs from another only in capital letters",
        "search.C.queries: is required",
        "search.C.query: unknown key; did you mean 'queries'?",
    ):
        assert any(words in fault for fault in told), told
    assert len(told) == 9
    (only,) = faults(write(tmp_path, monitor='[archive]\nsearch = "x"\n'))
    assert 'expected a table, [archive.search."Strikes"]' in only


def test_everything_but_the_feeds_has_a_default(tmp_path):
    loaded = config.load(write(tmp_path), {})

    assert loaded.language == "en"
    assert loaded.fetch.interval == timedelta(minutes=30)
    assert loaded.fetch.max_bytes == 10_000_000
    assert loaded.digest.time == time(7, 0)
    assert loaded.data_dir == tmp_path / "data"
    assert [channel.name for channel in loaded.channels()] == ["files"]
    assert loaded.alert is None
    assert [feed.url for feed in loaded.feeds] == ["https://outlet.example/feed"]
    assert loaded.fetch.user_agent.startswith("sora-monitor/")


def test_the_starter_configuration_says_what_the_defaults_are(tmp_path):
    config.write_starter(tmp_path)
    starter = config.load(tmp_path, {})
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "feeds.toml").write_text(FEED)
    default = config.load(plain, {})

    same = ("fetch", "cluster", "digest", "retention", "alert", "service")
    assert [getattr(starter, name) for name in same] == [getattr(default, name) for name in same]
    assert starter.channel_settings.keys() == {"files"}
    assert len(starter.feeds) >= 40
    assert {feed.language for feed in starter.feeds} == {"en", "de"}


def test_commented_tables_of_the_starter_are_valid_once_uncommented(tmp_path):
    text = (config.starter() / "monitor.toml").read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        is_setting = bare.startswith("[") or (
            " = " in bare and bare.split(" = ")[0].replace("_", "").isalpha()
        )
        skip = ("password_file", "urls_file", "ping_url_file")
        lines.append(bare if is_setting and not bare.startswith(skip) else "")
    loaded = config.load(write(tmp_path, monitor="\n".join(lines)), {})

    assert loaded.channel_settings["email"].to == ("you@example.org",)
    assert loaded.channel_settings.keys() == CHANNELS.keys()
    assert loaded.alert is not None
    assert loaded.service.ping_url_env == "MONITOR_PING_URL"


def test_all_faults_of_all_files_are_reported_at_once(tmp_path):
    write(
        tmp_path,
        monitor='langage = "de"\ntimezone = "Mars/Base"\n[poll]\ninterval = "soon"\nper_host = 0\n'
        '[digest]\ntime = "25:00"\ndays = ["mo"]\n[alert]\nchannels = ["email"]\n',
        feeds='# two\n[[feed]]\nurl = "ftp://x/"\n\n[[feed]]\ntitle = "no address"\nintervall = "1h"\n'
        '[[feed]]\nurl = "https://user:hunter2@x/f"\nweight = "much"\n',
        themes="[beat.sora\n",
    )

    found = faults(tmp_path)

    assert found == [
        "monitor.toml:1: langage: unknown key; did you mean 'language'?",
        "monitor.toml:2: timezone: 'Mars/Base' is not a time zone; expected a name such as \"Europe/Berlin\"",
        'monitor.toml:4: poll.interval: expected a duration such as "90s", "30m", "6h" or "1d" (got \'soon\')',
        "monitor.toml:5: poll.per_host: expected a whole number from 1 to 16 (got 0)",
        "monitor.toml:7: digest.time: expected a time of day such as \"07:00\" (got '25:00')",
        "monitor.toml:8: digest.days: expected a list of weekdays out of mon, tue, wed, thu, fri, sat, sun",
        "monitor.toml:10: alert.channels[1]: 'email' is named but there is no [email] table",
        f"feeds.toml:3: feed[1].url: expected an address that {HTTP} (got 'ftp://x/') (of ftp://x/)",
        "feeds.toml:5: feed[2].url: is required",
        "feeds.toml:7: feed[2].intervall: unknown key; did you mean 'interval'?",
        "feeds.toml:10: feed[3].weight: expected a number from 0.01 to 10 (got 'much') (of https://***@x/f)",
        "themes.toml:1: expected ']' at the end of a table declaration",
    ]


@pytest.mark.parametrize(
    ("monitor", "expected"),
    [
        ("poll = 3", "monitor.toml:1: poll: expected a table, [poll]"),
        (
            '[email]\nhost = "h"\nfrom = "me"\nto = ["you@x.example"]',
            "monitor.toml:3: email.from: 'me' is not an email address",
        ),
        (
            '[email]\nhost = "h"\nfrom = "a@x.example"\nto = [\n"b@x.example",\n"c@x.example, d@x.example"]',
            "monitor.toml:6: email.to[2]: expected one email address",
        ),
        (
            '[email]\nhost = "h"\nfrom = "a@x.example"\nto = []',
            "email.to: expected a list with something in it",
        ),
        ('[email]\npassword = "hunter2"', "email.password: secrets do not belong in this file"),
        (
            '[email]\nhost = "h"\nfrom = "a@x.example"\nusername = "u"\nto = ["b@x.example"]',
            "monitor.toml:1: email: a username needs",
        ),
        ('language = "xx"', "language: there is no 'xx'"),
        ('language = ""', "language: there is no ''; known: de, en"),
        ('[digest]\nformats = ["md", "htm"]', "digest.formats[2]: there is no 'htm'; did you mean 'html'?"),
        ('[poll]\nmin_interval = "2d"', "poll: min_interval is longer than max_interval"),
        ('[alert]\nchannels = ["mail"]', "alert.channels[1]: there is no 'mail'; did you mean 'email'?"),
        (
            '[alert]\n[email]\nenabled = false\nhost = "h"\nfrom = "a@x.example"\nto = ["b@x.example"]',
            "alert.channels[1]: 'email' is named but [email] is switched off",
        ),
        ("[digest\n", "monitor.toml:1: "),
        ('[poll]\nmax_bytes = "-1MB"', 'poll.max_bytes: expected a size such as "10MB"'),
        ('[poll]\ntimeout = "0s"', "poll.timeout: expected a duration longer than nothing"),
        ('user_agent = "a\\nb"', "user_agent: "),
        ('data_dir = "~nobody-of-that-name/data"', "data_dir: "),
        ('data_dir = "$HOME/news"', "data_dir: variables are not filled in: write the path itself, or ~"),
        ('[digest]\noutput_dir = "${HOME}/x"', "digest.output_dir: variables are not filled in"),
        ('data_dir = "%USERPROFILE%/x"', "data_dir: variables are not filled in"),
        ('time = "07:00"', "monitor.toml:1: time: unknown key here; it belongs under [digest]"),
        ('[poll]\ntimezone = "UTC"', "poll.timezone: unknown key here; it belongs above the first table"),
        ('[[feed]]\nurl = "https://x.example/"', "feed: unknown key here; it belongs in feeds.toml"),
    ],
)
def test_a_fault_names_its_key_and_what_was_expected(tmp_path, monitor, expected):
    found = "\n".join(faults(write(tmp_path, monitor=monitor)))
    assert expected in found
    assert "hunter2" not in found


def test_a_feed_listed_twice_is_a_fault_however_it_is_spelt(tmp_path):
    assert faults(write(tmp_path, feeds=FEED + FEED.replace("https://outlet", "HTTPS://Outlet"))) == [
        "feeds.toml:4: feed[2].url: is listed twice (first as feed[1], line 1) (of HTTPS://Outlet.example/feed)"
    ]


def test_names_and_doubles_are_judged_beside_any_other_fault(tmp_path):
    monitor = '[digest]\ntime = "25:00"\nformats = ["pdf"]\nfavour = ["musik"]\n[alert]\nmin_score = "x"\nchannels = ["mail"]\n'
    doubled = FEED + FEED.replace("]]", "]]\nlanguage = 7")
    found = faults(write(tmp_path, monitor=monitor, feeds=doubled))
    wanted = [
        "digest.time",
        "there is no 'pdf'",
        "there is no 'musik'",
        "alert.min_score",
        "there is no 'mail'",
    ]
    wanted += ["feed[2].language", "feed[2].url: is listed twice"]
    assert [part for part in wanted if not any(part in fault for fault in found)] == []
    assert len(found) == len(wanted)


def test_the_channel_that_an_alert_has_by_default_is_judged_beside_any_other_fault(tmp_path):
    found = faults(write(tmp_path, monitor='[alert]\nmin_score = "x"\n'))
    assert [fault.split(": ")[1] for fault in found] == ["alert.channels[1]", "alert.min_score"]


@pytest.mark.parametrize("names", ["7", '["md", 7]', '"md"'])
def test_a_list_of_names_that_is_none_is_reported_once(tmp_path, names):
    assert len(faults(write(tmp_path, monitor=f"[digest]\nformats = {names}\n"))) == 1


def test_the_home_directory_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    text = 'data_dir = "~/data"\n[digest]\noutput_dir = "~/digests"\n'
    loaded = config.load(write(tmp_path, monitor=text), {})
    assert (loaded.data_dir, loaded.files.output_dir) == (tmp_path / "data", tmp_path / "digests")


@pytest.mark.parametrize("key", ["data_dir", "digest.output_dir"])
def test_a_folder_that_cannot_be_written_is_found_by_check(tmp_path, key):
    (tmp_path / "file").touch()
    name = key.rpartition(".")[2]
    text = f'{"[digest]" if "." in key else ""}\n{name} = "file/below"\n'
    with pytest.raises(ConfigError, match=f"monitor.toml:.* {key.partition('.')[0]}.*file is not a folder"):
        config.load(write(tmp_path, monitor=text), {}).check()
    config.load(write(tmp_path), {}).check()
    assert not (tmp_path / "data").exists()


def test_a_data_dir_that_can_be_no_folder_is_a_fault_of_the_configuration(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "away").symlink_to("disk/that/is/not/mounted")
    (tmp_path / "round").symlink_to("round")
    for written, reason in (
        ("file", "is not a folder"),
        ("file/below", "file is not a folder"),
        ("away", "is a link that leads nowhere"),
        ("away/below", "away is a link that leads nowhere"),
        ("round", "is a link that leads nowhere"),
    ):
        (found,) = faults(write(tmp_path, monitor=f'language = "en"\ndata_dir = "{written}"\n'))
        assert found.startswith("monitor.toml:2: data_dir: ")
        assert found.endswith(reason)
    for written in ("to/be/made", "."):
        assert config.load(write(tmp_path, monitor=f'data_dir = "{written}"\n'), {})


def test_a_channel_that_misses_its_extra_is_found_by_check(tmp_path, monkeypatch):
    loaded = config.load(write(tmp_path, monitor='[apprise]\nurls_env = "URLS"\n'), {"URLS": "ntfy://x"})
    monkeypatch.setattr("monitor.deliver.push.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"monitor.toml: apprise: push needs the extra"):
        loaded.check()
    monkeypatch.setattr("monitor.deliver.push.find_spec", lambda _: True)
    loaded.check()


def test_an_empty_directory_says_what_to_do(tmp_path):
    assert "`monitor init`" in faults(tmp_path)[0]


def test_text_that_is_not_utf8_is_a_fault_with_its_line(tmp_path):
    write(tmp_path)
    (tmp_path / "feeds.toml").write_bytes(b"# fine\n# M\xfcnchen\n")
    assert faults(tmp_path) == ["feeds.toml:2: not valid UTF-8 text"]


def test_init_never_overwrites(tmp_path):
    (tmp_path / "feeds.toml").write_text(FEED)

    written, kept = config.write_starter(tmp_path)

    assert [path.name for path in written] == ["monitor.toml", "themes.toml"]
    assert [path.name for path in kept] == ["feeds.toml"]
    assert (tmp_path / "feeds.toml").read_text() == FEED


def test_where_the_configuration_is_looked_for(tmp_path):
    here = tmp_path / "here"
    (here / "config").mkdir(parents=True)

    assert config.find(Path("mine"), {"MONITOR_CONFIG": "other"}, here=here) == Path("mine")
    assert config.find(None, {"MONITOR_CONFIG": "other"}, here=here) == Path("other")
    assert config.find(None, {"MONITOR_CONFIG": "~/mine"}, here=here) == Path.home() / "mine"
    (tmp_path / "monitor.toml").touch()
    assert config.find(tmp_path / "monitor.toml", {}, here=here) == tmp_path
    assert config.find(tmp_path / "feeds.toml", {}, here=here) == tmp_path / "feeds.toml"
    with pytest.raises(ConfigError, match="cannot be found"):
        config.find(Path("~nobody-of-that-name"), {}, here=here)
    assert config.find(None, {}, here=here).name == "monitor"
    (here / "config" / "monitor.toml").touch()
    assert config.find(None, {}, here=here) == here / "config"


@pytest.mark.parametrize("held", ["s3cr3t", "http://[s3cr3t", "ftp://x/s3cr3t", "http://x:99999/s3cr3t"])
def test_a_health_check_that_is_no_address_is_a_fault_that_does_not_show_it(tmp_path, held):
    write(tmp_path, monitor='[service]\nping_url_env = "PING"\n')
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, {"PING": held}).check()
    assert [str(fault) for fault in caught.value.faults] == [
        f"monitor.toml: service.ping_url_env: holds no address that {HTTP}"
    ]


def test_a_missing_secret_is_a_fault_of_its_channel_and_of_nothing_else(tmp_path):
    table = '[email]\nhost = "h"\nusername = "u"\npassword_env = "PW"\nfrom = "a@x.example"\nto = ["b@x.example"]\n'
    loaded = config.load(write(tmp_path, monitor=table), {})

    with pytest.raises(ConfigError, match=r"monitor.toml: email.password_env: .* PW is not set"):
        loaded.channels()

    loaded = config.load(tmp_path, {"PW": "hunter2"})
    assert [channel.name for channel in loaded.channels()] == ["files", "email"]
    assert "hunter2" not in repr(loaded) + repr(loaded.channels())


@pytest.mark.parametrize(
    ("monitor", "nowhere"),
    [
        ("[digest]\nformats = []\n", True),
        (
            '[digest]\nformats = []\n[email]\nhost = "x.example"\nfrom = "a@x.example"\nto = ["a@x.example"]\n',
            False,
        ),
        ("", False),
    ],
)
def test_a_digest_that_would_reach_nobody_is_hinted_at(tmp_path, monitor, nowhere):
    hints = config.load(write(tmp_path, monitor=monitor), {}).hints
    assert any("go nowhere" in hint for hint in hints) is nowhere


def test_an_alert_that_is_off_needs_no_channel(tmp_path):
    assert config.load(write(tmp_path, monitor="[alert]\nenabled = false\n"), {}).alert is None


@pytest.mark.parametrize(("number", "hinted"), [(4, False), (5, True)])
def test_a_few_curated_feeds_listed_by_hand_are_a_choice(tmp_path, number, hinted):
    urls = [feed.url for feed in feedlist.curated().values()][:number]
    feeds = "".join(f'[[feed]]\nurl = "{url}"\n' for url in urls)
    hints = config.load(write(tmp_path, feeds=feeds), {}).hints
    assert any("config upgrade" in hint for hint in hints) is hinted
