"""Feed + FeedState -> Response: conditional, polite, bounded, guarded; and when each feed is due next.

httpx and httpcore live in this package alone, and are imported with the first request.
"""

from monitor.fetch import schedule
from monitor.fetch.fetcher import Fetcher
from monitor.fetch.health import health
from monitor.fetch.settings import Settings

__all__ = ["Fetcher", "Settings", "health", "schedule"]
