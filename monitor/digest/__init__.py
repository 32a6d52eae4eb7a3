"""Compose a digest from stories and a receipt, and render it in every format. Pure: nothing here does I/O."""

from monitor.digest import schedule
from monitor.digest.compose import PERHAPS, DigestInput, compose, outlet_of, present
from monitor.digest.formats import FORMATS, Format, render, render_alert, render_all, render_mail
from monitor.digest.headline import outcome, summarise, worth_sending
from monitor.digest.importance import importance
from monitor.digest.schedule import Due
from monitor.digest.selection import select, wants, with_reported
from monitor.digest.settings import Settings

__all__ = [
    "FORMATS",
    "PERHAPS",
    "DigestInput",
    "Due",
    "Format",
    "Settings",
    "compose",
    "importance",
    "outcome",
    "outlet_of",
    "present",
    "render",
    "render_alert",
    "render_all",
    "render_mail",
    "schedule",
    "select",
    "summarise",
    "wants",
    "with_reported",
    "worth_sending",
]
