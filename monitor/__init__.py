"""monitor: news feeds in, one trustworthy digest a day out, on Sora and on AI and creative labour."""

from importlib.metadata import version

__version__ = version("sora-monitor")
