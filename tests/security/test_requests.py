"""Requests that no honest client sends are refused, never an error of ours, and cost next to nothing."""

import base64
import json
import time
from uuid import UUID

import pytest

from ingest.core.events import key_in_body
from ingest.core.keys import KeyKind
from ingest.models import Lead
from tests.builders import Caller, caller_of, drain_all, make_lead, make_project, problem_of

pytestmark = pytest.mark.django_db
NOBODY = str(UUID(int=0))


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def cursor(*values: object) -> str:
    return encoded(json.dumps([0, *values]))


FORGED = {
    "no base64": "é",
    "no list": encoded('{"a": 1}'),
    "an empty list": encoded("[]"),
    "a number": encoded("1"),
    "null": encoded("null"),
    "deep": encoded("[" * 3_000),
    "a long number": cursor("9" * 5_000),
    "not a number, and an id": cursor("NaN", NOBODY),
    "infinity, and an id": cursor("Infinity", NOBODY),
    "before all time, and an id": cursor("0001-01-01T00:00:00+23:59", NOBODY),
    "after all time, and an id": cursor("9999-12-31T23:59:59-23:59", NOBODY),
    "a time without a zone, and an id": cursor("2026-01-01T00:00:00", NOBODY),
    "before all time, of a timeline": cursor("0001-01-01T00:00:00+23:59", 0, "ab" * 16),
    "after all time, of a timeline": cursor("9999-12-31T23:59:59-23:59", 1, "1"),
    "a rank there is not": cursor("2026-01-01T00:00:00+00:00", [0], "1"),
    "NUL": cursor("\0"),
}
LISTS = ["/leads", "/leads?ordering=-score", "/events", "/events?lead={}", "/leads/{}/history", "/leads/{}/timeline",
         "/automations/runs", "/rulesets"]  # fmt: skip


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("path", LISTS)
def test_a_forged_cursor_is_refused(path: str, forged: str) -> None:
    project = make_project()
    lead = make_lead(project)
    caller = caller_of(project)
    caller.track()
    drain_all()
    address = f"/api{path.format(lead.pk)}"

    answer = caller.get(f"{address}{'&' if '?' in address else '?'}cursor={forged}")

    assert answer.status_code == 400
    assert problem_of(answer)["errors"][0]["pointer"] == "/cursor"


@pytest.mark.parametrize("path", ["/api/events", f"/api/events?lead={UUID(int=7)}", "/api/events?apiKey={key}"])
def test_a_write_key_does_not_learn_the_size_of_the_log_by_asking_for_its_head(path: str) -> None:
    writer = caller_of(make_project(), KeyKind.WRITE)

    assert writer.call("HEAD", path).status_code == 403
    assert Caller().call("HEAD", path.format(key=writer.token)).status_code == 401


def test_a_method_in_a_header_is_not_listened_to() -> None:
    writer = caller_of(make_project(), KeyKind.WRITE)

    answer = writer.post("/api/events", {"eventType": "signup", "userId": "1"}, X_HTTP_Method_Override="DELETE")

    assert answer.status_code == 202


def test_a_thousand_parameters_are_refused_in_the_shape_of_all_errors() -> None:
    answer = caller_of(make_project()).get("/api/leads?" + "&".join(f"a{number}=1" for number in range(1_001)))

    assert answer.status_code == 400
    assert problem_of(answer)["status"] == 400


@pytest.mark.parametrize("what", [rb"\n", rb"\\", rb"\ud800", rb"\ud83d\ude00", rb"\\\ud800"])
def test_a_strangers_large_body_is_not_studied_for_long(what: bytes) -> None:
    body = b'{"a":"' + what * (8_000_000 // len(what))
    started = time.process_time()

    assert key_in_body(body) is None

    assert time.process_time() - started < 1


def test_an_e_mail_of_a_lead_elsewhere_is_free_here() -> None:
    make_lead(make_project("Strangers"), email="ada@example.com")
    mine = make_project("Mine")

    answer = caller_of(mine).post("/api/leads", {"email": "ada@example.com"})

    assert answer.status_code == 201
    assert Lead.objects.get(pk=answer.json()["id"]).project == mine
