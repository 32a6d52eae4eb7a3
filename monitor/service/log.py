"""The log: one readable line per event for people, JSON lines for machines. Neither contains secrets.

If an event has a `message`, people see only that; machines get all its fields.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

from monitor import text
from monitor.url import redact

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from datetime import tzinfo

# httpx writes every address at INFO, with the tokens that stand in it.
_NOISY: Final = ("apscheduler", "asyncio", "filelock", "httpcore", "httpx", "urllib3")


def set_up(
    stream: TextIO,
    *,
    level: int = logging.INFO,
    for_people: bool | None = None,
    colour: bool = False,
    timezone: tzinfo = UTC,
) -> None:
    """Send our log and the libraries' to `stream`, once for the whole process.

    `for_people` chooses the format; None means lines for people on a terminal. Their times are in `timezone`,
    as in "next digest Sun 07:00"; machines get UTC. Anything in addresses that may be secret is masked, and
    control characters are dropped: most of the text came from the web.
    """
    import structlog
    from structlog.stdlib import ProcessorFormatter

    people = stream.isatty() if for_people is None else for_people

    def written_out(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        moment = datetime.fromtimestamp(event["time"], timezone if people else UTC)
        return {**event, "time": moment.isoformat(timespec="seconds").replace("+00:00", "Z")}

    common: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(key="time"),
        written_out,
        structlog.processors.format_exc_info,
        _fit_for_eyes,
    ]
    handler = logging.StreamHandler(stream)
    last = _console(colour=colour) if people else _json()
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=common, processors=[ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *common, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of every tick that a busy loop has delayed; `_tick_failed` says what matters.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


def _console(*, colour: bool) -> list[Any]:
    import structlog

    return [
        _sentence_alone,
        structlog.dev.ConsoleRenderer(
            colors=colour,
            timestamp_key="time",
            pad_event_to=0,
            pad_level=False,
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]


def _sentence_alone(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out the fields of an event that says all of it in a sentence."""
    if not (sentence := event.get("message")):
        return event
    shown = {key: event[key] for key in ("time", "level", "exception") if key in event}
    return {**shown, "event": sentence}


def _json() -> list[Any]:
    import structlog

    return [structlog.processors.JSONRenderer(ensure_ascii=False)]


def _fit_for_eyes(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    first = {key: event.pop(key) for key in ("time", "level", "event") if key in event}
    shown: dict[str, Any] = {**first, **event}
    for key, value in shown.items():
        if isinstance(value, str):
            line = value if key == "exception" else text.clean(value)
            shown[key] = redact(line)
    return shown
