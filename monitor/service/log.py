"""How the log is written: readable lines on a terminal, JSON lines elsewhere. No secret reaches either."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, TextIO

from monitor import text
from monitor.url import redact

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_NOISY: Final = ("apscheduler", "asyncio", "filelock", "httpcore", "httpx", "urllib3")


def set_up(stream: TextIO, *, level: int = logging.INFO, colour: bool = False) -> None:
    """Send our log and that of the libraries to `stream`, once for the whole process.

    What may be secret in addresses is masked, control characters are dropped: most of it came from the web.
    """
    import structlog
    from structlog.stdlib import ProcessorFormatter

    common: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True, key="time"),
        structlog.processors.format_exc_info,
        _fit_for_eyes,
    ]
    handler = logging.StreamHandler(stream)
    last = _console(colour=colour) if stream.isatty() else _json()
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
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


def _console(*, colour: bool) -> list[Any]:
    import structlog

    return [
        structlog.dev.ConsoleRenderer(
            colors=colour,
            timestamp_key="time",
            pad_event_to=0,
            pad_level=False,
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]


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
