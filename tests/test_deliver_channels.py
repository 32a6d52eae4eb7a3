"""The table of channels."""

from __future__ import annotations

from pathlib import Path

from monitor.deliver import CHANNELS, Channel, Secrets, files, mail, push

SETTINGS = {
    "files": files.Settings(output_dir=Path("digests")),
    "email": mail.Settings(host="smtp.example.org", sender="a@example.org", to=("b@example.org",)),
    "apprise": push.Settings(urls=("ntfy://x",)),
}


def test_every_channel_is_made_from_its_settings_and_knows_its_name():
    made: dict[str, Channel] = {
        name: CHANNELS[name].of(SETTINGS[name], Secrets(Path(), {})) for name in CHANNELS
    }
    assert {name: channel.name for name, channel in made.items()} == {name: name for name in SETTINGS}
