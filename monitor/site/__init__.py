"""The archive as a web site of static pages, for any file server or none."""

from monitor.site import period
from monitor.site.frame import Site
from monitor.site.settings import SavedSearch, Settings
from monitor.site.writer import update

__all__ = ["SavedSearch", "Settings", "Site", "period", "update"]
