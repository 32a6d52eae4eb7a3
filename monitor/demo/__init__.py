"""The `demo` command: the real pipeline against eight invented outlets, five days in a few seconds.

outlets/    what each outlet publishes and when, one readable file each
outlet.py   an outlet as it stood at an instant
formats.py  its feed document: RSS 2.0, RSS 1.0 (RDF), Atom, JSON Feed
server.py   the outlets on loopback, with a clock that the play moves
play.py     polls and digests, day by day
"""

from __future__ import annotations

from monitor.demo.play import DemoResult, play

__all__ = ["DemoResult", "play"]
