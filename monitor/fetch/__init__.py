"""Fetch feeds, and decide when each is due next: Feed + FeedState -> Response, Response -> FeedState.

Requests are conditional, polite, limited in size and time, and kept away from private networks. httpx and
httpcore are imported only in this package, and not before the first request.
"""

import sys

from monitor.fetch import schedule
from monitor.fetch.fetcher import Fetcher
from monitor.fetch.health import health
from monitor.fetch.settings import Settings

# httpcore tries to import this module at each step of each request. If it is not installed (anyio no longer
# needs it), Python searches every folder of its path, which took a sixth of the time of a poll of many feeds.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]
# httpx loads its own command line, with click and pygments, if they are installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

__all__ = ["Fetcher", "Settings", "health", "schedule"]
