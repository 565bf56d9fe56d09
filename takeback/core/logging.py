"""Logs: one line of JSON per event, control characters escaped, no personal data."""

import json
from typing import Any

import msgspec
import structlog

_encoder = msgspec.json.Encoder(enc_hook=repr)

_STAMPED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(form: str, level: str) -> dict[str, Any]:
    """Set structlog up for `json` or `console`; what Django's own logging is told."""
    structlog.configure(
        processors=[
            *_STAMPED,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if form == "console" else _as_line,
        ],
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
        "foreign_pre_chain": _STAMPED,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        },
    }


def _as_line(logger: Any, name: str, event: structlog.typing.EventDict) -> str:
    """JSON in ASCII: characters that break a line or turn the direction of writing are escaped.

    Most lines hold nothing else, and every request writes one: the quick encoder is tried first.
    """
    line = _encoder.encode(event).decode()
    return line if line.isascii() else json.dumps(event, default=repr)
