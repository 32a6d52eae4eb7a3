"""The TOML files of one directory -> one frozen Config, or every fault with its file and key.

monitor.toml   settings         schema.py says which, build.py hands them to the packages
feeds.toml     subscriptions    subscriptions.py edits them
themes.toml    what to look for read by the tag package
"""

from __future__ import annotations

from monitor.config.build import Alert, Config, Retention, load, load_rules
from monitor.config.places import FILES, find, starter, write_starter

__all__ = [
    "FILES",
    "Alert",
    "Config",
    "Retention",
    "find",
    "load",
    "load_rules",
    "starter",
    "write_starter",
]
