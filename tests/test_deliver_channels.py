"""The table of channels. Adding a channel needs no change here."""

from __future__ import annotations

from monitor.config import tables
from monitor.deliver import CHANNELS


def test_every_channel_goes_by_its_own_name_and_has_a_table():
    assert {name: vars(channel)["name"] for name, channel in CHANNELS.items()} == {
        name: name for name in CHANNELS
    }
    for channel in CHANNELS.values():
        assert channel.declared.TABLE
        assert tables.settings_of(channel.declared)
