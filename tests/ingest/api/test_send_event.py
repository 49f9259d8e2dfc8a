"""`POST /api/events` and `POST /api/ingest/event`: one event, stored for good when it is answered."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from ingest.core.keys import KeyKind
from ingest.models import Event, Identifier, Lead, PendingEvent
from tests.builders import Answer, Caller, caller_of, drain_all, make_lead, make_project, problem_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def caller() -> Caller:
    return caller_of(make_project())


def test_an_event_is_stored_when_it_is_answered(caller: Caller) -> None:
    answer = caller.track("signup", eventId="e1", email="Ada@example.com", properties={"plan": "pro"})

    event = Event.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {"status": "queued", "eventId": "e1", "leadId": str(event.lead_id)}
    assert (event.event_id, event.event_type, event.properties) == ("e1", "signup", {"plan": "pro"})
    assert PendingEvent.objects.filter(event=event).exists()


def test_the_server_names_an_event_that_has_no_id_and_says_how(caller: Caller) -> None:
    first, second = caller.track(), caller.track()

    assert first.json()["eventId"] != second.json()["eventId"]
    assert set(Event.objects.values_list("event_id", flat=True)) == {
        first.json()["eventId"],
        second.json()["eventId"],
    }


@pytest.mark.parametrize("path", ["/api/events", "/api/events/", "/api/ingest/event", "/api/ingest/event/"])
@pytest.mark.parametrize("kind", list(KeyKind))
def test_either_route_takes_events_with_either_key_and_never_redirects(path: str, kind: KeyKind) -> None:
    caller = caller_of(make_project(), kind)

    assert caller.post(path, {"event": "signup", "anonymousId": "x"}).status_code == 202


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "text/plain;charset=UTF-8", "multipart/form-data", "x", ""]
)
def test_the_content_type_does_not_matter(caller: Caller, content_type: str) -> None:
    answer = caller.client.generic(
        "POST",
        "/api/events",
        b'{"eventType": "signup", "userId": "1"}',
        content_type=content_type,
        headers={"Authorization": f"Bearer {caller.token}", "Accept": "text/html"},
    )

    assert (answer.status_code, answer.headers["Content-Type"]) == (202, "application/json")


# --- Once, whatever happens ----------------------------------------------------------------------------------------


def test_the_same_id_again_is_a_duplicate_and_changes_nothing(caller: Caller) -> None:
    first = caller.track("signup", eventId="e1", userId="1", traits={"name": "Ada"})
    before = _everything()

    again = caller.track("demo_request", eventId="e1", userId="2", email="x@y.z", traits={"name": "Eve"})

    assert again.status_code == 202
    assert again.json() == first.json() | {"status": "duplicate"}
    assert _everything() == before


def test_a_duplicate_stays_one_after_it_was_scored(caller: Caller) -> None:
    caller.track("signup", eventId="e1")
    drain_all()
    caller.track("signup", eventId="e1")
    drain_all()

    (lead,) = caller.get("/api/leads").json()["results"]
    assert lead["currentScore"] == 20


def test_ids_that_differ_in_case_or_blanks_are_different(caller: Caller) -> None:
    statuses = [caller.track(eventId=event_id).json()["status"] for event_id in ("a", "A", " a", "a ", "ä", "a\u0308")]

    assert statuses == ["queued"] * 6


def test_a_refused_event_leaves_its_id_free_and_nothing_behind(caller: Caller) -> None:
    assert caller.track(eventId="e1", userId="1", properties={"a": {"b": {}}}).status_code == 400
    assert caller.track(eventId="e1", leadId="nobody", userId="1").status_code == 404
    assert not Lead.objects.exists()
    assert caller.track(eventId="e1").json()["status"] == "queued"


def _everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Event, Lead, Identifier, PendingEvent)]


# --- Whose event it is ---------------------------------------------------------------------------------------------


def test_a_person_is_found_again_by_any_of_their_names(caller: Caller) -> None:
    lead_ids = {
        caller.track(anonymousId="x").json()["leadId"],
        caller.track(anonymousId="x", email="ada@example.com").json()["leadId"],
        caller.track(userId="1", email="ADA@example.com").json()["leadId"],
        caller.track(userId="1").json()["leadId"],
    }

    assert len(lead_ids) == 1


def test_an_address_that_comes_later_is_shown_like_one_that_came_first(caller: Caller) -> None:
    caller.track(anonymousId="x")
    caller.track(anonymousId="x", email="ada@example.com")

    (lead,) = caller.get("/api/leads").json()["results"]
    assert lead["email"] == "ada@example.com"


def test_a_lead_that_is_not_there_is_404_with_a_pointer(caller: Caller) -> None:
    problem = problem_of(caller.track(leadId="01890000-0000-7000-8000-000000000000"))

    assert (problem["status"], problem["code"]) == (404, "lead_not_found")
    assert problem["errors"][0]["pointer"] == "/leadId"


def test_two_projects_with_the_same_ids_never_meet() -> None:
    mine, theirs = caller_of(make_project("Mine")), caller_of(make_project("Theirs"))
    fields = {"eventId": "e1", "userId": "1", "email": "ada@example.com", "anonymousId": "x"}

    answers = [caller.track(**fields).json() for caller in (mine, theirs)]

    assert [answer["status"] for answer in answers] == ["queued", "queued"]
    assert answers[0]["leadId"] != answers[1]["leadId"]
    assert mine.get("/api/events").json()["results"][0]["leadId"] == answers[0]["leadId"]


def test_another_projects_lead_is_no_lead_at_all() -> None:
    theirs = make_lead(make_project("Theirs"))
    caller = caller_of(make_project("Mine"))

    their_lead = problem_of(caller.track(leadId=str(theirs.pk)))
    no_lead = problem_of(caller.track(leadId="01890000-0000-7000-8000-000000000000"))

    assert their_lead["status"] == no_lead["status"] == 404
    assert their_lead["code"] == no_lead["code"]
    assert not Event.objects.exists()


# --- What is known of a person -------------------------------------------------------------------------------------


def test_late_traits_do_not_win_over_newer_ones(caller: Caller) -> None:
    caller.track("identify", timestamp="2026-03-01T10:00:00Z", traits={"name": "Ada", "company": "Engines"})
    caller.track("identify", timestamp="2026-02-01T10:00:00Z", traits={"name": "A.", "plan": "pro"})

    (lead,) = caller.get("/api/leads").json()["results"]
    assert (lead["name"], lead["company"], lead["traits"]["plan"]) == ("Ada", "Engines", "pro")


def test_a_forgotten_address_is_shown_no_longer_whatever_came_first(caller: Caller) -> None:
    forgets = {"timestamp": "2026-03-01T10:00:00Z", "traits": {"email": None}}
    tells = {"timestamp": "2026-02-01T10:00:00Z", "traits": {"email": "ada@example.com"}}
    for user, events in {
        "1": (tells, forgets),
        "2": (forgets, tells | {"traits": {"email": "bob@example.com"}}),
    }.items():
        for event in events:
            caller.track("identify", userId=user, **event)

    assert [lead["email"] for lead in caller.get("/api/leads").json()["results"]] == [None, None]


def test_a_large_number_among_the_traits_does_not_poison_the_lead(caller: Caller) -> None:
    caller.track("identify", traits={"n": 9.1e18, "m": 1e16, "small": 1e-300})
    caller.track("identify", traits={"plan": "pro"})
    drain_all()

    (lead,) = caller.get("/api/leads").json()["results"]
    assert lead["traits"] == {"n": 9.1e18, "m": 1e16, "small": 1e-300, "plan": "pro"}


# --- Limits and times ----------------------------------------------------------------------------------------------


def test_an_event_of_32_kilobytes_is_read_and_a_larger_one_is_413(caller: Caller) -> None:
    body = b'{"eventType": "a", "userId": "1"}'

    assert caller.post("/api/events", body.ljust(32 * 1024)).status_code == 202
    assert problem_of(caller.post("/api/events", body.ljust(32 * 1024 + 1)))["status"] == 413


def test_properties_beyond_their_limit_are_413(caller: Caller) -> None:
    assert problem_of(caller.track(properties={"a": "x" * 6000}))["status"] == 413


@pytest.mark.parametrize("length", ["abc", "-5", "1e3", " ", ""])
def test_a_content_length_that_is_none_is_no_failure_of_ours(caller: Caller, length: str) -> None:
    answer = caller.client.post(
        "/api/events",
        data=b"{}",
        content_type="application/json",
        headers={"Authorization": f"Bearer {caller.token}"},
        CONTENT_LENGTH=length,
    )

    assert problem_of(answer)["status"] == 400


def send_in_chunks(caller: Caller, body: bytes, **environment: str) -> Answer:
    """Send a body without saying how long it is, to a server that marks its end."""
    return caller.client.request(
        REQUEST_METHOD="POST",
        PATH_INFO="/api/events",
        **{"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        **environment,
    )


def test_a_body_may_come_in_chunks(caller: Caller) -> None:
    body = b'{"eventType": "signup", "userId": "1"}'
    body_with_key = b'{"eventType": "signup", "userId": "1", "apiKey": "%s"}' % str(caller.token).encode()

    assert send_in_chunks(caller, body, HTTP_AUTHORIZATION=f"Bearer {caller.token}").status_code == 202
    assert send_in_chunks(caller, body_with_key).status_code == 202
    assert send_in_chunks(caller, body).status_code == 401


@pytest.mark.parametrize("size", [32 * 1024 + 1, 8 * 1024 * 1024 + 1, 9_000_000])
def test_a_body_in_chunks_is_read_no_further_than_its_limit(caller: Caller, size: int) -> None:
    body = b'{"eventType": "signup", "userId": "1", "apiKey": "%s"}' % str(caller.token).encode()

    assert problem_of(send_in_chunks(caller, body.ljust(size)))["status"] == 413
    answer = send_in_chunks(caller, body.ljust(size), HTTP_AUTHORIZATION=f"Bearer {caller.token}")
    assert problem_of(answer)["status"] == 413


def test_a_request_without_a_body_is_bad_json(caller: Caller) -> None:
    assert problem_of(caller.post("/api/events"))["code"] == "invalid_json"


@time_machine.travel(NOW, tick=False)
def test_all_times_of_an_event_are_kept(caller: Caller) -> None:
    caller.track(timestamp="2026-03-01T13:00:00+02:00", sentAt="2026-03-01T13:10:00+02:00")

    (event,) = caller.get("/api/events").json()["results"]
    assert event["timestamp"] == "2026-03-01T11:00:00Z"
    assert event["sentAt"] == "2026-03-01T11:10:00Z"
    assert event["receivedAt"] == "2026-03-01T12:00:00Z"
    assert event["occurredAt"] == "2026-03-01T11:50:00Z"


def test_the_last_second_of_the_year_9999_is_taken_shown_and_counts_as_now(caller: Caller) -> None:
    assert caller.track(timestamp="9999-12-31T23:59:59.999999Z", sentAt="9999-12-31T23:59:59Z").status_code == 202
    drain_all()

    (event,) = caller.get("/api/events").json()["results"]
    assert event["timestamp"] == "9999-12-31T23:59:59.999999Z"
    (lead,) = caller.get("/api/leads").json()["results"]
    assert lead["eventsLast24h"] == 1


# --- What it costs -------------------------------------------------------------------------------------------------

BEGIN_AND_COMMIT = 2  # a savepoint, in a test


def test_an_event_of_a_known_person_takes_six_queries(
    caller: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller.track()

    with django_assert_num_queries(6 + BEGIN_AND_COMMIT):
        caller.track()


def test_an_event_of_a_new_person_takes_eleven_queries(
    caller: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller.track()

    with django_assert_num_queries(11 + BEGIN_AND_COMMIT):
        caller.track(userId="2", anonymousId="x")


def test_one_of_a_new_person_with_an_address_takes_two_more_for_what_others_may_share(
    caller: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller.track()

    with django_assert_num_queries(13 + BEGIN_AND_COMMIT):
        caller.track(userId="2", anonymousId="x", email="ada@example.com")


def test_a_duplicate_takes_three_queries(caller: Caller, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    caller.track(eventId="e1")

    with django_assert_num_queries(3 + BEGIN_AND_COMMIT):
        caller.track(eventId="e1")
