"""The TOML files of one directory -> one frozen Config, or every fault with its file, line and key.

monitor.toml   settings           each package declares its own table; load.py puts them together
feeds.toml     subscriptions      the fields of models.Feed; subscriptions.py edits the file
themes.toml    what to look for   themes.py lays it over the shipped file; the tag package reads it
"""

from __future__ import annotations

from monitor.config.general import Alert, General
from monitor.config.load import Config, load
from monitor.config.places import FILES, find, is_configured, require, starter, write_starter
from monitor.config.themes import read as load_rules

__all__ = [
    "FILES",
    "Alert",
    "Config",
    "General",
    "find",
    "is_configured",
    "load",
    "load_rules",
    "require",
    "starter",
    "write_starter",
]
