"""The TOML files of one directory -> one frozen Config, or every fault with its file, line and key.

monitor.toml   settings         each package declares its own table; load.py puts them together
feeds.toml     subscriptions    the fields of models.Feed; subscriptions.py edits the file
themes.toml    what to look for read by the tag package
"""

from __future__ import annotations

from monitor.config.general import Alert
from monitor.config.load import Config, load, load_rules
from monitor.config.places import FILES, find, starter, write_starter

__all__ = [
    "FILES",
    "Alert",
    "Config",
    "find",
    "load",
    "load_rules",
    "starter",
    "write_starter",
]
