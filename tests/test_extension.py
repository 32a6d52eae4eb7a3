"""What CONTRIBUTING says is enough to add a language, a channel or a format: each is added and used to the
end.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import pytest
from newsroom import SETTINGS, THEMES, Desk, at, item, page, run, serving

from monitor import config, languages, setting_kinds
from monitor.deliver import CHANNELS
from monitor.digest import FORMATS, Format
from monitor.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from monitor.deliver import Secrets
    from monitor.models import RenderedDigest

LEAK = item("leak", "Testers leak OpenAI tool Sora in protest", "They call it unpaid work.")


def day(tmp_path: Path, settings: str, themes: str = THEMES) -> tuple[Path, str]:
    """Poll one report and send its digest; return the desk and the output of sending."""
    with serving() as server:
        server.on("/feed", page(LEAK))
        desk = Desk(tmp_path / "desk", [server.url("/feed")], settings=settings)
        (desk.directory / "themes.toml").write_text(themes)
        assert run(desk.directory, "check").code == 0
        assert run(desk.directory, "poll", now=at(6)).code == 0
    early = run(desk.directory, "digest", "--send", now=at(6.5))
    sent = run(desk.directory, "digest", "--send", now=at(7.1))
    assert (early.code, sent.code) == (0, 0), sent.out + sent.err
    return desk.directory, early.out + sent.out


@pytest.fixture
def french(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A copy of en.toml under a new name, with a sentence of its own."""
    folder = Path(languages.__file__).parent
    text = (folder / "en.toml").read_text("utf-8")
    brand = f'brand = "{tomllib.loads(text)["texts"]["brand"]}"'
    (tmp_path / "en.toml").write_text(text, "utf-8")
    (tmp_path / "fr.toml").write_text(text.replace(brand, 'brand = "Veille Sora"'), "utf-8")
    monkeypatch.setattr(languages, "_FOLDER", tmp_path)
    monkeypatch.setattr(languages, "AVAILABLE", ("en", "fr"))
    languages.load.cache_clear()
    yield
    languages.load.cache_clear()


@pytest.mark.usefixtures("french")
def test_a_language_is_one_file(tmp_path):
    themes = THEMES.replace('de = "Leck und Protest"', 'fr = "Fuite et protestation"')
    desk, _ = day(tmp_path, 'language = "fr"\n' + SETTINGS, themes)
    shown = (desk / "digests" / "2024-12-02.md").read_text()
    assert "Veille Sora" in shown
    assert "Fuite et protestation" in shown
    assert "Unpaid labour" in shown  # a label without French falls back to English


@dataclass(frozen=True, kw_only=True)
class PagerSettings:
    """A pager."""

    TABLE: ClassVar[str] = "pager"
    enabled: setting_kinds.Switch = True
    number: setting_kinds.Text


@dataclass(frozen=True)
class Pager:
    settings: PagerSettings
    name: ClassVar[str] = "pager"
    declared: ClassVar[type] = PagerSettings
    latest_only: ClassVar[bool] = False
    sent: ClassVar[list[str]] = []

    @classmethod
    def of(cls, settings: PagerSettings, secrets: Secrets) -> Self:
        return cls(settings)

    def missing(self) -> str:
        return ""

    async def check(self) -> str:
        return "rings"

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        payload = edition.subject.encode()
        return (
            Delivery(
                edition=edition.key,
                channel=self.name,
                recipient=self.settings.number,
                payload=payload,
                created_at=now,
            ),
        )

    def reaches(self, recipient: str) -> bool:
        return recipient == self.settings.number

    async def send(self, delivery: Delivery) -> None:
        self.sent.append(f"{delivery.recipient}: {delivery.payload.decode()}")


def test_a_channel_is_one_module_and_a_line(tmp_path, monkeypatch):
    monkeypatch.setitem(CHANNELS, Pager.name, Pager)
    monkeypatch.setattr(Pager, "sent", [])
    alert = '[alert]\nmin_score = 0\nmin_sources = 1\nchannels = ["pager"]\n'
    desk, out = day(tmp_path, f'{SETTINGS}[pager]\nnumber = "555"\n{alert}')
    assert "pager to 555: sent" in out
    assert len(Pager.sent) == 2  # the digest and the alert
    assert all(sent.startswith("555: ") for sent in Pager.sent)
    (desk / "monitor.toml").write_text(SETTINGS + "[pager]\nnummer = 1\n" + alert)
    wrong = run(desk, "check").err
    assert "pager.nummer: unknown key; did you mean 'number'?" in wrong
    (desk / "monitor.toml").write_text(SETTINGS + alert)
    assert "alert.channels[1]: 'pager' is named but there is no [pager] table" in run(desk, "check").err


def test_a_format_is_one_line(tmp_path, monkeypatch):
    titles = Format(lambda digest, _: "\n".join(story.title for story in digest.stories) + "\n", "list")
    monkeypatch.setitem(FORMATS, "titles", titles)
    desk, _ = day(tmp_path, SETTINGS + '[digest]\nformats = ["html", "titles"]\n')
    written = (desk / "digests" / "2024-12-02.list").read_text()
    assert written == "Testers leak OpenAI tool Sora in protest\n"
    pages = (desk / "digests").rglob("*.html")
    assert any('2024-12-02.list"' in page.read_text() for page in pages)
    again = run(desk, "digest", "--date", "2024-12-02", "--format", "titles", now=at(8))
    assert again.out == written


def test_a_theme_is_a_few_lines(tmp_path):
    own = '[theme.testing]\nlabel = { en = "Testing" }\nany.sure = ["testers"]\n'
    desk, _ = day(tmp_path, SETTINGS, THEMES + own)
    assert "testing" in [label.slug for label in config.load(desk).rules.themes]
    assert "Testing" in run(desk, "digest", "--date", "2024-12-02", now=at(8)).out
