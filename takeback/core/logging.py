"""Logging: one line of JSON per event, control characters escaped, no personal data."""

import json
from typing import Any

import msgspec
import structlog

from takeback.core.log_output import OutputHandler, make_logger

_encoder = msgspec.json.Encoder(enc_hook=repr)

_SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(form: str, level: str) -> dict[str, Any]:
    """Configure structlog for `json` or `console` and return Django's LOGGING setting."""
    structlog.configure(
        processors=[
            *_SHARED_PROCESSORS,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if form == "console" else _json_line,
        ],
        logger_factory=make_logger,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        "foreign_pre_chain": _SHARED_PROCESSORS,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"console": {"()": OutputHandler, "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        },
    }


def _json_line(logger: Any, name: str, event: structlog.typing.EventDict) -> str:
    """JSON in ASCII: escapes characters that break a line or change the text direction.

    Most lines are ASCII, and every request writes one: the fast encoder runs first.
    """
    line = _encoder.encode(event).decode()
    return line if line.isascii() else json.dumps(event, default=repr)
