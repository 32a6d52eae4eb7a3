"""The configuration: every fault at once, each with file, key and the likely key."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from monitor import config
from monitor.config import subscriptions, values
from monitor.errors import ConfigError
from monitor.models import Feed

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


def test_everything_but_the_feeds_has_a_default(tmp_path):
    loaded = config.load(write(tmp_path), {})

    assert loaded.language == "en"
    assert loaded.fetch.interval == timedelta(minutes=30)
    assert loaded.fetch.max_bytes == 10_000_000
    assert loaded.digest.time == time(7, 0)
    assert loaded.data_dir == tmp_path / "data"
    assert loaded.mail() is None
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

    assert starter.tables == default.tables
    assert len(starter.feeds) >= 40
    assert {feed.language for feed in starter.feeds} == {"en", "de"}


def test_every_setting_is_in_the_starter_configuration():
    text = (config.starter() / "monitor.toml").read_text(encoding="utf-8")
    from monitor.config import schema

    def keys(model):
        for name, info in model.model_fields.items():
            yield info.alias or name
            inner = next(iter(config_models(info.annotation)), None)
            if inner is not None:
                yield from keys(inner)

    def config_models(annotation):
        from monitor.config.faults import _models

        return _models(annotation)

    missing = [key for key in keys(schema.MonitorFile) if key not in text]
    assert missing == []


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
    loaded = config.load(write(tmp_path, monitor="\n".join(lines)), {}).tables

    assert loaded.email is not None
    assert loaded.email.to == ["you@example.org"]
    assert loaded.apprise is not None
    assert loaded.alert is not None
    assert loaded.service.ping_url_env == "MONITOR_PING_URL"


def test_all_faults_of_all_files_are_told_at_once(tmp_path):
    write(
        tmp_path,
        monitor='langage = "de"\n[poll]\ninterval = "soon"\nper_host = 0\n[digest]\ntime = "25:00"\ndays = ["mo"]\n',
        feeds='[[feed]]\nurl = "ftp://outlet.example/"\n[[feed]]\ntitle = "no address"\nintervall = "1h"\n',
        themes="[beat.sora\n",
    )

    found = faults(tmp_path)

    text = "\n".join(found)
    assert "monitor.toml: langage: unknown key; did you mean 'language'?" in found
    assert 'monitor.toml: poll.interval: expected a duration such as "90s", "30m", "6h" or "1d"' in text
    assert "monitor.toml: poll.per_host: " in text
    assert "monitor.toml: digest.time: " in text
    assert "monitor.toml: digest.days: " in text
    assert "feeds.toml: feed[1].url: expected an address that starts with http:// or https://" in text
    assert "feeds.toml: feed[2].url: is required" in found
    assert "feeds.toml: feed[2].intervall: unknown key; did you mean 'interval'?" in found
    assert any(fault.startswith("themes.toml: ") for fault in found)


@pytest.mark.parametrize(
    ("monitor", "expected"),
    [
        ("poll = 3", "monitor.toml: poll: "),
        (
            '[email]\nhost = "h"\nfrom = "me"\nto = ["you@x.example"]',
            "email.from: 'me' is not an email address",
        ),
        ('[email]\nhost = "h"\nfrom = "a@x.example"\nto = []', "email.to: "),
        ('[email]\npassword = "hunter2"', "email.password: secrets do not belong in this file"),
        ('timezone = "Mars/Base"', "timezone: 'Mars/Base' is not a time zone"),
        ('language = "fr"', "language: no such language: 'fr'"),
        ('[poll]\nmin_interval = "2d"', "poll: min_interval is longer than max_interval"),
        ('[alert]\nchannels = ["email"]', "alert.channels: 'email' is named but there is no [email] table"),
        ("[digest\n", "monitor.toml: line 1: "),
        ('[poll]\nmax_bytes = "-1MB"', 'poll.max_bytes: expected a size such as "10MB"'),
        ('[poll]\ntimeout = "0s"', "poll.timeout: expected a duration longer than nothing"),
        ('user_agent = "a\\nb"', "user_agent: "),
    ],
)
def test_a_fault_names_its_key_and_what_was_expected(tmp_path, monitor, expected):
    found = "\n".join(faults(write(tmp_path, monitor=monitor)))
    assert expected in found
    assert "hunter2" not in found


def test_a_feed_listed_twice_is_a_fault(tmp_path):
    assert faults(write(tmp_path, feeds=FEED + FEED)) == [
        "feeds.toml: feed[2].url: is listed twice (first as feed[1])"
    ]


def test_an_empty_directory_says_what_to_do(tmp_path):
    assert "run `monitor init`" in faults(tmp_path)[0]


def test_text_that_is_not_utf8_is_a_fault_with_its_line(tmp_path):
    write(tmp_path)
    (tmp_path / "feeds.toml").write_bytes(b"# fine\n# M\xfcnchen\n")
    assert faults(tmp_path) == ["feeds.toml: line 2: not valid UTF-8 text"]


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
    assert config.find(None, {}, here=here).name == "monitor"
    (here / "config" / "monitor.toml").touch()
    assert config.find(None, {}, here=here) == here / "config"


def test_a_missing_secret_is_a_fault_of_its_channel_and_of_nothing_else(tmp_path):
    table = '[email]\nhost = "h"\nusername = "u"\npassword_env = "PW"\nfrom = "a@x.example"\nto = ["b@x.example"]\n'
    loaded = config.load(write(tmp_path, monitor=table), {})

    with pytest.raises(ConfigError, match=r"monitor.toml: email.password_env: .* PW is not set"):
        loaded.channels()

    loaded = config.load(tmp_path, {"PW": "hunter2"})
    assert [channel.name for channel in loaded.channels()] == ["files", "email"]
    assert "hunter2" not in repr(loaded) + repr(loaded.channels())


def test_adding_and_removing_a_feed_leaves_every_other_line(tmp_path):
    text = (
        "# mine\n\n" + FEED + 'title = "One"\n\n# --- group\n\n[[feed]]\nurl = "https://b.example/"\n# tail\n'
    )
    (tmp_path / "feeds.toml").write_text(text)
    new = Feed(url="https://c.example/?q=ü", title='Say "C" \\ [[feed]]', tags=("a", "b"), enabled=False)

    assert subscriptions.add(tmp_path, [new, Feed(url="https://b.example/")]) == (
        [new.url],
        ["https://b.example/"],
    )
    loaded = config.load(tmp_path, {})
    assert loaded.feeds[-1] == new

    assert subscriptions.remove(tmp_path, "https://outlet.example/feed")
    assert not subscriptions.remove(tmp_path, "https://outlet.example/feed")
    assert "# mine" in (tmp_path / "feeds.toml").read_text()
    assert "# --- group" in (tmp_path / "feeds.toml").read_text()
    assert subscriptions.remove(tmp_path, new.url)
    assert (tmp_path / "feeds.toml").read_text() == text.replace(FEED + 'title = "One"\n\n', "") + "\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("1d", 86400), ("2w", 1209600), (45, 45)],
)
def test_durations(text, expected):
    assert values.duration(text) == timedelta(seconds=expected)


@pytest.mark.parametrize("text", ["", "30", "30 minutes", "-1s", True, None, 0, "1y", [], float("nan"), 1e30])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="expected a duration"):
        values.duration(text)


def test_sizes():
    assert values.size("10MB") == 10_000_000
    assert values.size("1.5kb") == 1500
    assert values.size(512) == 512
