"""Logs: one line per happening, in either form, and never a secret."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator

import pytest
import structlog
from django.conf import settings

from leadscore.logging import configuration, mask

Logged = Callable[[str], io.StringIO]
KEY = "sk_" + "0123456789abcdef" * 3


@pytest.fixture
def logged() -> Iterator[Logged]:
    def configure(form: str) -> io.StringIO:
        output = io.StringIO()
        wanted = configuration(form)
        wanted["handlers"]["stderr"]["stream"] = output
        logging.config.dictConfig(wanted)
        return output

    yield configure
    logging.config.dictConfig(settings.LOGGING)


def test_json_lines_say_who_what_and_when(logged: Logged) -> None:
    output = logged("json")
    structlog.get_logger("scoring.somewhere").info("drained", leads=3)
    line = json.loads(output.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "drained", "leads": 3, "level": "info", "logger": "scoring.somewhere"}


def test_the_console_form_is_for_people(logged: Logged) -> None:
    output = logged("console")
    logging.getLogger("ingest").info("took %d", 3)
    assert "took 3" in output.getvalue()


def test_libraries_are_quiet_about_what_is_normal(logged: Logged) -> None:
    output = logged("console")
    for name in ("celery.worker", "django", "httpx", "kombu"):
        logging.getLogger(name).info("chatter")
    assert output.getvalue() == ""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_is_masked_wherever_it_stands(logged: Logged, form: str) -> None:
    output = logged(form)
    log = structlog.get_logger("ingest")
    log.warning("refused", authorization=f"Bearer {KEY}", detail=f"key {KEY} is unknown", nested={"key": KEY})
    logging.getLogger("django").warning("cannot reach %s", "redis://user:hunter2@host:6379/0")
    try:
        int(KEY)
    except ValueError:
        logging.getLogger("scoring").exception("failed")
    assert KEY not in output.getvalue()
    assert "hunter2" not in output.getvalue()
    assert "redis://user:…@host:6379/0" in output.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_tells_where_and_why_but_not_what_was_typed(logged: Logged, form: str) -> None:
    output = logged(form)

    def log_in(typed: str) -> None:
        raise RuntimeError("the database is gone")

    try:
        log_in("correct horse")
    except RuntimeError:
        logging.getLogger("django.request").exception("Internal Server Error")
    assert "log_in" in output.getvalue()
    assert "the database is gone" in output.getvalue()
    assert "correct horse" not in output.getvalue().replace('log_in("correct horse")', "")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"Bearer {KEY}", "Bearer sk_…"),
        ("pk_abcdef012345", "pk_…"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_…"),
        ("postgres://me:secret@db/x", "postgres://me:…@db/x"),
        ("risk_score is no key", "risk_score is no key"),
        ("https://example.com/a:b@c", "https://example.com/a:b@c"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask(text) == masked
