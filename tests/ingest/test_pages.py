"""Cursors: what a stranger makes up opens nothing, and breaks nothing."""

import base64
import json
from typing import Any

import pytest

from tests.builders import Caller, caller_of, drain_all, make_project, problem_of

pytestmark = pytest.mark.django_db

LEAD = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def caller() -> Caller:
    return caller_of(make_project())


def cursor(*values: Any) -> str:
    return encoded(json.dumps(list(values)).encode())


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


NO_CURSORS = [
    *("x", "%00", "%F0%9F%99%82", "====", "%ff", "a" * 60_000),
    *(encoded(content) for content in (b"{}", b"5", b"null", b'"abc"', b"[]", b"\xff", b'{"0": "1"}')),
    encoded(b"[" * 30_000),
    encoded(b"9" * 30_000),
    *(cursor(*values) for values in ([0], [0, "x", "y", "z"], [0, None], [0, 5], [0, []], [0, "\ud800"], [0, ""])),
]


@pytest.mark.parametrize("path", ["/api/leads?", "/api/leads?ordering=-score&", "/api/events?", "/api/rulesets?"])
def test_what_is_no_cursor_is_400(caller: Caller, path: str) -> None:
    for made_up in NO_CURSORS:
        problem = problem_of(caller.get(f"{path}cursor={made_up}"))
        assert (problem["status"], problem["errors"][0]["pointer"]) == (400, "/cursor"), made_up


@pytest.mark.parametrize(
    "path",
    ["/api/leads/{}/history?", "/api/leads/{}/timeline?", "/api/events?lead={}&", "/api/automations/runs?lead={}&"],
)
def test_what_is_no_cursor_is_400_in_the_lists_of_a_lead(caller: Caller, path: str) -> None:
    lead_id = caller.track().json()["leadId"]

    for made_up in NO_CURSORS:
        assert problem_of(caller.get(f"{path.format(lead_id)}cursor={made_up}"))["status"] == 400, made_up


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/api/leads?ordering=-score", ["NaN", LEAD]),
        ("/api/leads?ordering=-score", ["Infinity", LEAD]),
        ("/api/leads?ordering=-score", ["1e400", LEAD]),
        ("/api/leads?ordering=-score", ["1e999999999", LEAD]),
        ("/api/leads?ordering=-score", ["1.001", LEAD]),
        ("/api/leads?ordering=-score", ["1", "1"]),
        ("/api/leads", ["1.00", LEAD]),
        ("/api/rulesets", ["99999999999999999999"]),
        ("/api/rulesets", ["x"]),
    ],
)
def test_a_value_that_no_row_can_have_is_400(caller: Caller, path: str, values: list[str]) -> None:
    answer = caller.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor(0, *values)}")

    assert problem_of(answer)["status"] == 400


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", "2026-01-01", "x", "", "5"],
)
def test_a_moment_that_no_event_can_have_is_400(caller: Caller, moment: str) -> None:
    lead_id = caller.track().json()["leadId"]

    for answer in (
        caller.get(f"/api/events?lead={lead_id}&cursor={cursor(0, moment, LEAD)}"),
        caller.get(f"/api/leads/{lead_id}/timeline?cursor={cursor(0, moment, 0, LEAD)}"),
    ):
        assert problem_of(answer)["status"] == 400


@pytest.mark.parametrize("rank", [-1, 3, None, "0", [], {}, 0.5])
def test_a_place_that_the_timeline_does_not_have_is_400(caller: Caller, rank: object) -> None:
    lead_id = caller.track().json()["leadId"]

    answer = caller.get(f"/api/leads/{lead_id}/timeline?cursor={cursor(0, '2026-01-01T00:00:00+00:00', rank, LEAD)}")

    assert problem_of(answer)["status"] == 400


@pytest.mark.parametrize("key", ["-1", "7" * 40, "0", "x", "", None, 5])
def test_a_place_beyond_every_entry_breaks_nothing(caller: Caller, key: object) -> None:
    lead_id = caller.track().json()["leadId"]
    drain_all()

    for backwards in (0, 1):
        made_up = cursor(backwards, "2026-01-01T00:00:00+00:00", 1, key)
        assert caller.get(f"/api/leads/{lead_id}/timeline?cursor={made_up}").status_code in {200, 400}
        made_up = cursor(backwards, str(key))
        assert caller.get(f"/api/leads/{lead_id}/history?cursor={made_up}").status_code in {200, 400}


def test_an_empty_cursor_is_the_first_page(caller: Caller) -> None:
    caller.track(eventId="e1")

    assert caller.get("/api/events?cursor=").json() == caller.get("/api/events").json()
