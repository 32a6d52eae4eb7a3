"""Upgrading a configuration of version 1.0, and showing what the user has changed."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from newsroom import THEMES, run

from monitor import config
from monitor.config import feedlist, own, themes, upgrade
from monitor.config.places import TOPIC
from monitor.toml import TomlDocument

if TYPE_CHECKING:
    from pathlib import Path


def of_1_0(name: str) -> str:
    return gzip.decompress((TOPIC / "1.0" / f"{name}.gz").read_bytes()).decode()


FEEDS, WHOLE = of_1_0("feeds.toml"), of_1_0("themes.toml")


@pytest.fixture
def old(tmp_path) -> Path:
    (tmp_path / "feeds.toml").write_text(FEEDS)
    (tmp_path / "themes.toml").write_text(WHOLE)
    return tmp_path


def test_an_untouched_configuration_of_1_0_becomes_what_init_writes_today(old):
    before = config.load(old, {})
    assert {feed.url for feed in before.feeds} == {table["url"] for table in tomllib.loads(FEEDS)["feed"]}
    assert sum("config upgrade" in hint for hint in before.hints) == 2
    assert run(old, "config", "upgrade").code == 0
    after = config.load(old, {})
    assert after.rules == config.load_rules(config.starter())
    followed = {feed.url for feed in after.feeds if feed.enabled}
    assert {feed.url for feed in before.feeds if feed.enabled} <= followed
    assert not any("config upgrade" in hint for hint in after.hints)
    assert (old / "feeds.toml.1.0").read_text() == FEEDS
    assert (old / "themes.toml.1.0").read_text() == WHOLE
    assert run(old, "config", "upgrade").out.startswith("nothing to upgrade")


SETTINGS_OF_1_0 = f"""\
# monitor.toml - the settings of monitor.
{upgrade.OF_1_0}

language = "en"   # for Ada

[digest]
time = "05:00"                      # local time
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

# [email]
# min_score = 0.0

# Tell of a story at once.
[alert]
min_score = 10.0                  # as the digest ranks
channels = ["files"]

[retention]
relevant = "forever"                # my own remark
"""


def test_settings_of_1_0_keep_their_lines_and_show_what_is_new(old):
    (old / "monitor.toml").write_text(SETTINGS_OF_1_0)
    assert run(old, "config", "upgrade").code == 0
    lines = (old / "monitor.toml").read_text().splitlines()
    assert config.load(old, {}).alert.min_score == 4.0
    assert [line for line in SETTINGS_OF_1_0.splitlines() if line not in lines] == [
        upgrade.OF_1_0,
        "min_score = 10.0                  # as the digest ranks",
    ]
    digest, retention = lines.index("[digest]"), lines.index("[retention]")
    assert any(line.startswith("# favour = []") for line in lines[digest : lines.index("# [email]")])
    assert any(line.startswith('# deliveries = "30d"') for line in lines[retention:])
    assert "[archive]" in lines
    assert (old / "monitor.toml.1.0").read_text() == SETTINGS_OF_1_0
    assert run(old, "config", "upgrade").out.startswith("nothing to upgrade")


def test_a_score_is_known_however_it_is_spaced():
    lifted = upgrade.lift_settings(f"{upgrade.OF_1_0}\n[alert]\nmin_score=10\n")
    assert "min_score=4.0" in lifted.splitlines()


@pytest.mark.parametrize("table", ["alert", "apprise"])
def test_a_score_of_the_users_own_gets_a_remark_and_keeps_its_value(table):
    text = f"{upgrade.OF_1_0}\n[{table}]\nmin_score = 7.5\n"
    lifted = upgrade.lift_settings(text)
    assert "has about 5" in lifted.splitlines()[lifted.splitlines().index("min_score = 7.5") - 1]
    assert upgrade.lift_settings(lifted) is None


def test_a_score_that_lets_all_through_needs_no_remark():
    assert "has about 5" not in upgrade.lift_settings(f"{upgrade.OF_1_0}\n[email]\nmin_score = 0.0\n")
    assert "has about 5" not in upgrade.lift_settings(f"{upgrade.OF_1_0}\n[email]\n# min_score = ...\n")


def test_settings_that_1_0_did_not_write_are_left_alone():
    assert upgrade.lift_settings('language = "de"\n[alert]\nmin_score = 10.0\n') is None


def test_what_the_user_did_to_the_feeds_is_kept(old):
    first, second, third, *_ = tomllib.loads(FEEDS)["feed"]
    text = FEEDS.replace(f'url = "{first["url"]}"\n', f'url = "{first["url"]}"\nenabled = false\n')
    text = text.replace(f'title = "{second["title"]}"', 'title = "My name for it"')
    start = text.index(f'[[feed]]\nurl = "{third["url"]}"')
    text = text[:start] + text[text.index("[[feed]]", start + 5) :]
    text = text.replace('title = "My name for it"', '# because I mix them up\ntitle = "My name for it"')
    text += '\n# my own, found by Ada\n[[feed]]\nurl = "https://own.example/feed"  # tested\ntags = ["x"]\n'
    (old / "feeds.toml").write_text(text)
    assert run(old, "config", "upgrade").code == 0
    feeds = {feed.url: feed for feed in config.load(old, {}).feeds}
    assert not feeds[first["url"]].enabled
    assert feeds[second["url"]].title == "My name for it"
    assert not feeds[third["url"]].enabled
    lifted = (old / "feeds.toml").read_text()
    assert (
        '# my own, found by Ada\n[[feed]]\nurl = "https://own.example/feed"  # tested\ntags = ["x"]\n'
        in lifted
    )
    assert f'# because I mix them up\n[[feed]]\nurl = "{second["url"]}"\n' in lifted
    assert lifted.count("[[feed]]\n") < 8
    assert "# --- Technology" not in lifted


def test_nothing_that_was_off_comes_back_on_and_no_comment_is_lost(old):
    search = next(table for table in tomllib.loads(FEEDS)["feed"] if table.get("enabled") is False)
    text = FEEDS.replace(f'title = "{search["title"]}"', 'title = "Search"  # off, says our lawyer')
    (old / "feeds.toml").write_text(text + "\n# the end\n")
    off = {feed.url for feed in config.load(old, {}).feeds if not feed.enabled}
    assert run(old, "config", "upgrade").code == 0
    assert not off & {feed.url for feed in config.load(old, {}).feeds if feed.enabled}
    lifted = (old / "feeds.toml").read_text()
    assert "# off, says our lawyer\n[[feed]]\n" in lifted
    assert lifted.endswith("# the end\n")


def test_a_group_of_which_little_was_kept_is_not_followed(old):
    one = tomllib.loads(FEEDS)["feed"][0]["url"]
    (old / "feeds.toml").write_text(f'[[feed]]\nurl = "{one}"\ntitle = "The Verge, AI"\n')
    assert run(old, "config", "upgrade").code == 0
    assert [feed.url for feed in config.load(old, {}).feeds] == [one]


def test_a_group_that_was_switched_off_is_not_followed(old):
    old_urls = {table["url"] for table in tomllib.loads(FEEDS)["feed"]}
    unions = [f.url for f in feedlist.curated().values() if f.group == "unions" and f.url in old_urls]
    assert unions
    text = FEEDS
    for url in unions:
        text = text.replace(f'url = "{url}"\n', f'url = "{url}"\nenabled = false\n')
    (old / "feeds.toml").write_text(text)
    assert run(old, "config", "upgrade").code == 0
    assert "unions" not in tomllib.loads((old / "feeds.toml").read_text())["follow"]
    assert not any(feed.enabled for feed in config.load(old, {}).feeds if feed.group == "unions")


def test_what_the_user_did_to_the_themes_is_kept(old, tmp_path):
    shipped = themes.shipped()
    target = shipped["theme"]["copyright"]
    language = next(name for name in ("any", "en") if target.get(name, {}).get("sure"))
    still = next(phrase for phrase in target[language]["sure"] if f'"{phrase}"' in WHOLE)
    text = WHOLE.replace(
        "[theme.copyright]",
        '[theme.mine]  # since May\nlabel = { en = "Mine" }\nany.sure = ["my theme"]\n\n[theme.copyright]',
        1,
    )
    data = tomllib.loads(text)
    document = TomlDocument("themes.toml", text)
    spot = document.spots[
        ("theme", "copyright", language, "sure", data["theme"]["copyright"][language]["sure"].index(still))
    ]
    text = (
        text[: spot.start]
        + '\n  # the phrase of Ada\n  "my very own phrase",  # indeed\n'
        + text[spot.end :].lstrip(",")
    )
    (old / "themes.toml").write_text(text.replace("learned = true", "learned = false"))
    before = config.load_rules(old)
    assert run(old, "config", "upgrade").code == 0
    lifted = (old / "themes.toml").read_text()
    mine = tomllib.loads(lifted)
    assert mine["theme"]["mine"] == {"label": {"en": "Mine"}, "any": {"sure": ["my theme"]}}
    assert mine["theme"]["copyright"]["without"] == [still]
    assert mine["theme"]["copyright"][language]["sure"] == ["my very own phrase"]
    assert '  # the phrase of Ada\n  # indeed\n  "my very own phrase",\n' in lifted
    assert mine["learned"] is False
    assert len(lifted) < 8_000
    after = config.load_rules(old)
    assert {target.slug for target in after.targets} == {target.slug for target in before.targets}
    assert not after.learned


def test_no_comment_on_a_theme_is_lost(old):
    text = WHOLE.replace("\nlearned = true", "\n# I prefer phrases\nlearned = false  # for now", 1).rstrip()
    (old / "themes.toml").write_text(
        text + '\n\n# my band\n[theme.band]\nlabel = { en = "Band" }\n# watch this\nany.sure = [  # on top\n'
        '  # first\n  "my band",  # behind\n]\n# the end\n'
    )
    assert run(old, "config", "upgrade").code == 0
    lifted = (old / "themes.toml").read_text()
    assert "\n# I prefer phrases\n# for now\nlearned = false\n" in lifted
    assert '\n# my band\n[theme.band.label]\nen = "Band"\n' in lifted
    assert '\n# watch this\nsure = [\n  # first\n  # behind\n  "my band",\n]\n' in lifted
    assert lifted.endswith("\n# on top\n# the end\n")


def test_what_is_taken_out_keeps_the_order_of_the_shipped_file(old):
    rest = WHOLE
    for slug in ("human-creativity", "copyright", "capabilities", "misuse-safety"):
        rest = re.sub(rf"(?ms)^\[theme\.{slug}[].].*?(?=^\[theme\.(?!{slug})|\Z)", "", rest)
    lifted = tomllib.loads(upgrade.lift_themes(rest))
    assert lifted["without"] == [
        "theme.copyright", "theme.capabilities", "theme.misuse-safety", "theme.human-creativity",
    ]  # fmt: skip


def test_a_theme_that_was_taken_out_stays_out(old):
    start = WHOLE.index("[theme.misuse-safety")
    end = WHOLE.index("\n[theme.human", start)
    (old / "themes.toml").write_text(WHOLE[:start] + WHOLE[end:])
    assert run(old, "config", "upgrade").code == 0
    assert tomllib.loads((old / "themes.toml").read_text()) == {"without": ["theme.misuse-safety"]}
    assert "misuse-safety" not in [label.slug for label in config.load_rules(old).themes]


def test_themes_for_another_topic_are_marked_as_that(tmp_path):
    other = '[grades]\nsure = 1.0\n[beat.pensions]\nlabel = { en = "Pensions" }\nany.sure = ["pension*"]\n'
    assert upgrade.lift_themes(other) == f"base = false\n\n{other}"
    assert upgrade.lift_themes('[theme.music.any]\nsure = ["x"]\n') is None
    assert upgrade.lift_feeds('[[feed]]\nurl = "https://own.example/"\n') is None
    assert upgrade.lift_feeds("not toml") is None


def test_the_old_file_is_kept_byte_for_byte_and_as_private(old):
    mine = b"\xef\xbb\xbf" + FEEDS.replace("\n", "\r\n").encode()
    (old / "feeds.toml").write_bytes(mine)
    (old / "feeds.toml").chmod(0o640)
    assert run(old, "config", "upgrade").code == 0
    assert (old / "feeds.toml.1.0").read_bytes() == mine
    assert (old / "feeds.toml.1.0").stat().st_mode & 0o777 == 0o640


def test_a_dry_run_writes_nothing(old):
    shown = run(old, "config", "upgrade", "--dry-run")
    assert "follow = [" in shown.out
    assert {path.name for path in old.iterdir()} == {"feeds.toml", "themes.toml"}
    assert (old / "feeds.toml").read_text() == FEEDS


def test_the_users_own_is_shown(tmp_path):
    curated = next(iter(feedlist.curated().values()))
    (tmp_path / "monitor.toml").write_text(
        'timezone = "Europe/Vienna"\n[digest]\ntime = "6:30"\nbacklog = "2d"\n'
    )
    (tmp_path / "feeds.toml").write_text(
        f'follow = ["unions", "{curated.group}"]\n[[feed]]\nurl = "{curated.url}"\nenabled = false\n'
        '[[feed]]\nurl = "https://u:hunter2@own.example/"\ntitle = "Own"\n'
    )
    access = themes.shipped()["theme"]["access-release"]
    phrase = next(iter(access["en"].values()))[0]
    (tmp_path / "themes.toml").write_text(
        'without = ["theme.copyright"]\n[theme.access-release]\nthreshold = 7\nany.sure = ["mine"]\n'
        f"without = [{json.dumps(phrase)}]\n"
    )
    shown = run(tmp_path, "config", "diff")
    assert shown.code == 0
    assert (
        '  timezone = "Europe/Vienna"  (shipped: "Europe/Berlin")\n  digest.time = "06:30"  (shipped: "07:00")\n'
        in shown.out
    )
    assert "backlog" not in shown.out
    assert f"  - {curated.title} (" in shown.out
    assert "  + Own (https://***@own.example/)\n" in shown.out
    assert '  - "theme.copyright"\n' in shown.out
    assert '  + theme.access-release.any.sure "mine"\n' in shown.out
    assert f"  - theme.access-release {json.dumps(phrase)}\n" in shown.out
    assert "without" not in shown.out
    assert "theme.access-release.threshold 7" in shown.out


def test_of_whole_files_of_1_0_only_what_is_the_users_is_shown(old):
    (old / "feeds.toml").write_text(f'{FEEDS}\n[[feed]]\nurl = "https://own.example/"\n')
    (old / "themes.toml").write_text(
        f'{WHOLE}\n[theme.mine]\nlabel = {{ en = "Mine", de = "Meins" }}\nany.sure = ["my band"]\n'
    )
    feeds, _, shown = run(old, "config", "diff").out.partition(
        "themes.toml, as `monitor config upgrade` would"
    )
    assert [line for line in feeds.splitlines() if line.startswith(("  +", "  ="))] == [
        "  + https://own.example/"
    ]
    assert [line.split(" ")[3] for line in shown.splitlines()[1:]] == [
        "theme.mine.label.en",
        "theme.mine.label.de",
        "theme.mine.any.sure",
    ]
    assert (old / "themes.toml").read_text().startswith(WHOLE), "to look changes nothing"


def test_of_a_whole_file_is_shown_what_it_lacks_too():
    whole = TomlDocument("themes.toml", THEMES)
    signs = {difference.sign for difference in own.phrases(whole)}
    assert signs >= {"+", "-"}
