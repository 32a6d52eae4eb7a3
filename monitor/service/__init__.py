"""The background service: polls and publishes until it is asked to stop. Only this package uses APScheduler.

    tick      every few seconds: is anything due? The store knows, a tick only asks
    poll      feeds that are due -> entries, stories
    publish   a digest that is due -> deliveries; deliveries that are due -> the world
    signals   SIGTERM and SIGINT stop the service, SIGHUP makes it read the configuration again

What was missed while the machine slept or the service was down is due at the first tick. Stopping loses
nothing: what is cancelled was not stored as done, and so is due again.
"""

from __future__ import annotations

from monitor.service.serve import main, run

__all__ = ["main", "run"]
