"""How every process logs: structured, as text for people or JSON for machines, and never with a secret in it.

Django and Celery both get this one configuration. Libraries speak from WARNING on, LeadScore itself from INFO.
"""

import logging
import re
from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

OURS = ("leadscore", "automation", "scoring", "ingest")
SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|api_?key|write_?key", re.IGNORECASE)
SECRET_VALUES = (
    (re.compile(r"\b(sk|pk)_[A-Za-z0-9]{6,}"), r"\1_…"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]+"), "whsec_…"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1…@"),  # the password in a URL
)
# Without local variables: one of them may be the password that somebody is typing.
TRACEBACKS = ExceptionDictTransformer(show_locals=False)


def mask(text: str) -> str:
    """Return `text` without the keys, webhook secrets and passwords in it."""
    for pattern, instead in SECRET_VALUES:
        text = pattern.sub(instead, text)
    return text


def mask_secrets(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what a log line carries: whole values under telling names, keys and passwords anywhere in text."""
    for name, value in line.items():
        if SECRET_NAMES.search(name):
            line[name] = "…"
        elif isinstance(value, str):
            line[name] = mask(value)
    return line


class MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    """Masks the finished line too: a traceback may quote what its local code was given."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class OnlyFailures(logging.Filter):
    """Keeps quiet about 503: “not ready” is an answer that was asked for."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE


def configuration(form: str) -> dict[str, Any]:
    """Return the `LOGGING` setting for `form`, `console` or `json`, and configure structlog to feed it."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": MaskingFormatter, "processors": _rendering(form), "foreign_pre_chain": shared},
        },
        "filters": {"failures": {"()": OnlyFailures}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": _levels(),
    }


def _rendering(form: str) -> list[Processor]:
    last: list[Processor] = (
        [structlog.processors.ExceptionRenderer(TRACEBACKS), structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]


def _levels() -> Mapping[str, Any]:
    ours = {name: {"level": "INFO"} for name in OURS}
    # Django's own handlers would say the same things twice, or mail them to nobody.
    return ours | {
        "django": {"handlers": [], "level": "WARNING"},
        "django.server": {"handlers": [], "propagate": True},
        "django.request": {"level": "ERROR", "filters": ["failures"]},
    }
