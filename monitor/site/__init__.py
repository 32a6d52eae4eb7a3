"""The archive as a web site of static pages, for any file server or none."""

from monitor.site import period
from monitor.site.frame import Site
from monitor.site.settings import Settings
from monitor.site.writer import update

__all__ = ["Settings", "Site", "period", "update"]
