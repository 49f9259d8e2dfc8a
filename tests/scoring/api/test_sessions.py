"""GET /api/leads/{id}/sessions: visits page by page, and what each earned."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from ingest.core.keys import KeyKind
from ingest.core.visits import VisitEvent, visits_of
from ingest.models import Event, Lead, Project
from tests.builders import T0, Caller, caller_of, drain_all, make_project, problem_of
from tests.scoring.test_laws import undone

pytestmark = pytest.mark.django_db


def body(minute: int, session: str | None = None, **fields: Any) -> dict[str, Any]:
    at = (T0 + timedelta(minutes=minute)).isoformat()
    return {"eventType": "page_view", "userId": "1", "timestamp": at, "sessionId": session, **fields}


def send(caller: Caller, *events: dict[str, Any]) -> Lead:
    assert caller.post("/api/events/batch", {"events": list(events)}).status_code == 202
    return Lead.objects.get(identifiers__value="1")


def read(caller: Caller, lead: Lead, *, limit: int = 50) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    path: str | None = f"/api/leads/{lead.pk}/sessions?limit={limit}"
    while path:
        answer = caller.get(path).json()
        rows += answer["results"]
        path = answer["next"]
    return rows


def test_a_session_tells_when_from_where_what_and_what_it_earned() -> None:
    caller = caller_of(make_project())
    page = {"path": "/pricing", "url": "https://acme.example/pricing?utm_source=google&utm_medium=cpc"}
    agent = "Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36"
    lead = send(
        caller,
        body(0, "s", context={"page": page, "userAgent": agent}),
        body(50, "s", eventType="signup", properties={"path": "/join"}),
        body(500),
    )
    drain_all()

    newest, oldest = read(caller, lead)

    assert (newest["sessionId"], newest["eventCount"], newest["points"]) == (None, 1, 5)
    assert oldest == {
        "sessionId": "s",
        "startedAt": "2026-03-01T12:00:00Z",
        "endedAt": "2026-03-01T12:50:00Z",
        "durationSeconds": 3000,
        "eventCount": 2,
        "pages": ["/pricing", "/join"],
        "source": "google",
        "medium": "cpc",
        "campaign": None,
        "referrer": None,
        "device": "Chrome on Windows",
        "points": 25,
    }


def told(rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["sessionId"], row["startedAt"], row["endedAt"], row["eventCount"]) for row in rows]


QUERIES = 9  # key, lead, rules, its members, events, spans of sessions, what sessions and other visits hold, points


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([None, None, "a", "b", "c"])), min_size=1, max_size=25),
    st.integers(1, 4),
)
def test_pages_of_any_size_show_each_visit_whole_and_once(log: list[tuple[int, str | None]], limit: int) -> None:
    with undone(), mock.patch("ingest.visits.LOOKED_AT", 7), mock.patch("ingest.visits.MOST_LOOKS", 9):
        caller = caller_of(make_project())
        lead = send(caller, *(body(minute, session) for minute, session in log))
        events = [
            VisitEvent(key=key, occurred_at=at, event_id=event_id, session_id=session)
            for key, at, event_id, session in Event.objects.values_list("pk", "occurred_at", "event_id", "session_id")
        ]

        rows = told(read(caller, lead, limit=limit))

    whole = [
        (
            visit.session_id or None,
            visit.began_at.isoformat().replace("+00:00", "Z"),
            visit.ended_at.isoformat().replace("+00:00", "Z"),
            len(visit.events),
        )
        for visit in visits_of(events)
    ]
    assert sorted(rows, key=str) == sorted(whole, key=str)
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)


@pytest.mark.parametrize("visits", [3, 12])
def test_a_page_costs_the_same_however_many_visits_there_are(
    visits: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller = caller_of(make_project())
    events = [body(100 * number, f"s{number}" if number % 2 else None) for number in range(visits)]
    lead = send(caller, *events)
    drain_all()
    read(caller, lead)

    with django_assert_num_queries(QUERIES):
        caller.get(f"/api/leads/{lead.pk}/sessions")


def test_another_projects_lead_a_write_key_and_a_cursor_of_nonsense_are_refused() -> None:
    project: Project = make_project()
    lead = send(caller_of(project), body(0))

    assert problem_of(caller_of(make_project("Other")).get(f"/api/leads/{lead.pk}/sessions"))["status"] == 404
    assert problem_of(caller_of(project, KeyKind.WRITE).get(f"/api/leads/{lead.pk}/sessions"))["status"] == 403
    for cursor in ("x", "WzFd", "WyJ4IiwgInkiLCBudWxsXQ", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsICJhIiwgNV0"):
        answer = caller_of(project).get(f"/api/leads/{lead.pk}/sessions?cursor={cursor}")
        assert problem_of(answer)["status"] == 400
