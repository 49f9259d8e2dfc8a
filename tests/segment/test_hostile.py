"""What strangers send to Segment's routes: too much, bombs, nonsense, no key; and how refusals are seen."""

import gzip
import json
import logging
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ingest import refusals
from ingest.core.keys import KeyKind
from ingest.models import Event
from tests.builders import Caller, caller_of, make_project, problem_of

pytestmark = pytest.mark.django_db
ROUTES = [
    *(f"/v1/{name}" for name in ("track", "identify", "page", "screen", "group", "alias", "batch", "import")),
    *(f"/v1/{name}" for name in "tipsgab"),
    *("/beacon/v1/batch", "/api/s/track", "/api/public/apps/batch"),
]


@pytest.fixture
def caller() -> Caller:
    return caller_of(make_project(), KeyKind.WRITE, events_per_minute=None)


def track(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "x", "userId": str(number % 7), "messageId": f"m{number}", **fields}


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_refuses_as_clients_expect(caller: Caller, path: str) -> None:
    for slash in ("", "/"):
        assert problem_of(Caller().post(path + slash, {"batch": []}))["status"] == 401
        assert problem_of(Caller(token="pk_unknown").post(path + slash, {}))["status"] == 401
        for body in (b"", b"nonsense", b"[]", b"\xff\xfe", b"[" * 5000, b'{"batch":7}'):
            assert problem_of(caller.post(path + slash, body))["status"] == 400
        assert problem_of(caller.post(path + slash, b" " * 512_001))["status"] == 413
        assert problem_of(caller.get(path + slash))["status"] == 405
    assert Event.objects.count() == 0


def test_one_bad_event_alone_is_refused_with_the_reason(caller: Caller) -> None:
    problem = problem_of(caller.post("/v1/track", {"event": "🎉", "userId": "1"}))

    assert (problem["status"], problem["errors"][0]["pointer"]) == (400, "/event")
    assert problem_of(caller.post("/v1/t", track(properties={"a": "x" * 33_000})))["status"] == 413


def test_a_batch_has_at_most_2500_events(caller: Caller) -> None:
    assert caller.post("/v1/batch", {"batch": [track(n) for n in range(2500)]}).json() == {"success": True}
    assert Event.objects.count() == 2500
    assert problem_of(caller.post("/v1/batch", {"batch": [track(n) for n in range(2501)]}))["status"] == 413


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/track", "/api/events", "/api/events/batch"])
def test_a_gzip_bomb_is_not_unpacked_beyond_the_limit(caller: Caller, path: str) -> None:
    bomb = gzip.compress(b" " * 100_000_000)

    for sender in (caller, Caller()):
        assert len(bomb) < 100_000
        assert problem_of(sender.post(path, bomb, Content_Encoding="gzip"))["status"] == 413


PACKED = gzip.compress(b"{}", mtime=0)  # without the time, so that every process names the tests alike


@pytest.mark.parametrize("packed", [b"", b"nonsense", PACKED[:-4], PACKED + b"more"])
def test_broken_gzip_is_a_400(caller: Caller, packed: bytes) -> None:
    assert problem_of(caller.post("/v1/batch", packed, Content_Encoding="gzip"))["status"] == 400


def test_gzip_in_two_parts_is_one_body(caller: Caller) -> None:
    body = json.dumps({"batch": [track()]}).encode()

    answer = caller.post("/v1/batch", gzip.compress(body[:9]) + gzip.compress(body[9:]), Content_Encoding="GZIP")

    assert answer.status_code == 200
    assert Event.objects.count() == 1


def test_another_encoding_is_a_415(caller: Caller) -> None:
    assert problem_of(caller.post("/v1/batch", b"x", Content_Encoding="br"))["status"] == 415


def test_the_header_beats_the_query_and_the_query_the_body(caller: Caller) -> None:
    body = track(writeKey="pk_unknown")

    assert caller.post("/v1/track?writeKey=pk_other", body).status_code == 200
    assert Caller().post(f"/v1/track?writeKey={caller.token}", body).status_code == 200
    assert Caller().post("/v1/track", body | {"writeKey": caller.token}).status_code == 200
    assert Caller(token="pk_unknown").post("/v1/track", body | {"writeKey": caller.token}).status_code == 401


def test_a_key_with_an_allow_list_takes_events_of_these_origins_only() -> None:
    caller = caller_of(make_project(), KeyKind.WRITE, allowed_origins=["https://shop.example"])

    assert caller.post("/v1/t", track(1), Origin="https://shop.example").status_code == 200
    refused = caller.post("/v1/t", track(2), Origin="https://evil.example")
    assert problem_of(refused)["code"] == "origin_not_allowed"
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


def test_a_batch_costs_its_events() -> None:
    caller = caller_of(make_project(), KeyKind.WRITE, events_per_minute=10)

    assert caller.post("/v1/batch", {"batch": [track(n) for n in range(9)]}).status_code == 200
    answer = caller.post("/v1/batch", {"batch": [track(10), track(11)]})

    assert problem_of(answer)["code"] == "rate_limited"
    assert int(answer.headers["Retry-After"]) > 0
    assert caller.post("/v1/batch", {"batch": []}).status_code == 200


def test_the_number_of_queries_does_not_depend_on_the_size_of_the_batch(caller: Caller) -> None:
    def queries(first: int, count: int) -> int:
        events = [
            track(n, userId=f"new-{n}", traits={"email": f"{n}@example.com"}) for n in range(first, first + count)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert caller.post("/v1/batch", {"batch": events}).status_code == 200
        return len(captured)

    queries(0, 1)  # the first event of a project looks a little further
    assert queries(1, 1) == queries(2, 20) == queries(100, 400)


def test_sending_again_changes_nothing_with_or_without_message_ids(caller: Caller) -> None:
    batch = [track(n) for n in range(5)] + [track(n, messageId=None, timestamp="2026-03-01T12:00:00Z") for n in (6, 7)]

    for sent_at in ("2026-03-01T12:00:01Z", "2026-03-01T12:05:00Z", None):
        assert caller.post("/v1/batch", {"batch": batch, "sentAt": sent_at}).json() == {"success": True}

    assert Event.objects.count() == 7


def test_refused_events_are_counted_and_logged_without_what_they_said(
    caller: Caller, caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    before = refusals.counted()
    bad = [
        track(2, properties={"secret-name": {"x": 2**70}}),
        track(3, event="🎉"),
        track(4, properties={"a": "x" * 33_000}),
    ]

    with caplog.at_level(logging.WARNING):
        answer = caller.post("/v1/batch", {"batch": [track(1), *bad]})

    assert answer.json() == {"success": True}
    assert Event.objects.count() == 1
    after = refusals.counted()
    assert after["invalid"] - before.get("invalid", 0) == 2
    assert after["too_large"] - before.get("too_large", 0) == 1
    assert "leadscore_events_refused_total{code=" in client.get("/metrics").content.decode()
    (line,) = [record.getMessage() for record in caplog.records if "events_refused" in record.getMessage()]
    assert "/properties must be a number of at most 64 bits" in line
    assert "secret-name" not in line
