"""`GET /api/events`: the event log, newest first, of the whole project, of a lead, of a type."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from ingest.core.keys import KeyKind
from tests.builders import Caller, caller_of, make_lead, make_project, problem_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    return caller_of(make_project())


def ids(caller: Caller, path: str) -> list[str]:
    return [event["eventId"] for event in caller.get(path).json()["results"]]


def test_the_newest_event_comes_first(caller: Caller) -> None:
    for event_id in ("a", "b", "c"):
        caller.track(eventId=event_id)

    assert ids(caller, "/api/events") == ["c", "b", "a"]


def test_an_event_is_shown_with_everything_it_carried(caller: Caller) -> None:
    sent: dict[str, Any] = {"sessionId": "s", "properties": {"a": {"b": 1}}, "traits": {"name": "Ada"}}
    lead_id = caller.track("signup", eventId="e1", timestamp="2026-01-01T00:00:00Z", **sent).json()["leadId"]

    (event,) = caller.get("/api/events").json()["results"]
    assert {key: event[key] for key in sent} == sent
    assert (event["eventId"], event["eventType"], event["leadId"]) == ("e1", "signup", lead_id)
    assert (event["kind"], event["occurredAt"], event["sentAt"]) == ("activity", "2026-01-01T00:00:00Z", None)


def test_the_log_of_a_lead_is_in_the_order_in_which_things_happened(caller: Caller) -> None:
    caller.track(eventId="other", userId="2")
    lead_id = caller.track(eventId="late", timestamp="2026-02-01T00:00:00Z").json()["leadId"]
    caller.track(eventId="early", timestamp="2026-01-01T00:00:00Z")

    assert ids(caller, f"/api/events?lead={lead_id}") == ["late", "early"]


def test_the_log_can_be_asked_for_by_type(caller: Caller) -> None:
    caller.track("signup", eventId="a")
    caller.track("download", eventId="b")

    assert ids(caller, "/api/events?type=signup") == ["a"]
    assert ids(caller, "/api/events?type=nothing") == []
    assert ids(caller, "/api/events?type=sign%00up") == ["a"]


def test_another_projects_events_and_leads_do_not_exist(caller: Caller) -> None:
    theirs = make_project("Theirs")
    caller_of(theirs).track(eventId="theirs")
    lead = make_lead(theirs)

    assert ids(caller, "/api/events") == []
    assert problem_of(caller.get(f"/api/events?lead={lead.pk}")) == problem_of(caller.get("/api/events?lead=nobody"))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_write_key_reads_nothing(method: str) -> None:
    assert caller_of(make_project(), KeyKind.WRITE).call(method, "/api/events").status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_key_in_the_address_reads_nothing(caller: Caller, method: str) -> None:
    assert Caller().call(method, f"/api/events?apiKey={caller.token}").status_code == 401


@pytest.mark.parametrize("size", [1, 60])
def test_a_page_takes_two_queries_however_many_events(
    caller: Caller, django_assert_num_queries: DjangoAssertNumQueries, size: int
) -> None:
    caller.post("/api/events/batch", {"events": [{"eventType": "signup", "userId": str(n)} for n in range(size)]})

    with django_assert_num_queries(2):
        caller.get("/api/events")
