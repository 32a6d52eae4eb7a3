"""Responses to documents: feeds of every form, read where reading can be killed. feedparser lives here."""

from monitor.parse.reader import read
from monitor.parse.worker import Parser, Settings

__all__ = ["Parser", "Settings", "read"]
