"""What the parent and the reading process send each other: pickles, each preceded by its length."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.models import Feed

LENGTH: Final = struct.Struct(">Q")
READY: Final = b"\n"


class Job(NamedTuple):
    """One document to read, as sent to the child."""

    body: bytes
    url: str
    content_type: str
    feed: Feed
    now: datetime
    max_entries: int
