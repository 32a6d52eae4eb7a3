"""Feed + FeedState -> Response: conditional, polite, bounded, guarded; and when each feed is due next.

httpx and httpcore live in this package alone, and are imported with the first request.
"""

import sys

from monitor.fetch import schedule
from monitor.fetch.fetcher import Fetcher
from monitor.fetch.health import health
from monitor.fetch.settings import Settings

# httpcore looks for this module at each step of each request. Where it is missing, as it is since anyio does
# without it, that is a walk through all folders of the path: a sixth of what a poll of many feeds cost.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]
# httpx loads a command line of its own, with click and pygments, where they are there.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

__all__ = ["Fetcher", "Settings", "health", "schedule"]
