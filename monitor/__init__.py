"""monitor: news feeds in, one trustworthy digest a day out, on Sora and on AI and creative labour."""

__version__ = "1.1.0"
