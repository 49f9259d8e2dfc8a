"""`POST /api/events/batch`: up to 1,000 events at once, of which a bad one does not spoil the others."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingest.models import Event, Lead
from tests.builders import Answer, Caller, caller_of, make_lead, make_project, problem_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    return caller_of(make_project())


def send(caller: Caller, *events: Any) -> Answer:
    return caller.post("/api/events/batch", {"events": list(events)})


def event(event_id: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"eventType": "signup", "userId": "1", **({"eventId": event_id} if event_id else {}), **fields}


@pytest.mark.parametrize("path", ["/api/events/batch", "/api/events/batch/"])
def test_bad_events_are_named_and_good_ones_stored(caller: Caller, path: str) -> None:
    bad: list[Any] = [{"userId": "1"}, None, "x", [], event(leadId="nobody"), event(properties={"a": "x" * 6000})]

    answer = caller.post(path, {"events": [event("a"), *bad, event("b"), event("a")]})

    assert answer.status_code == 202
    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (2, 1)
    assert [(rejected["index"], rejected["code"]) for rejected in answer.json()["rejected"]] == [
        *[(1, "invalid"), (2, "invalid"), (3, "invalid"), (4, "invalid")],
        *[(5, "lead_not_found"), (6, "too_large")],
    ]
    assert set(Event.objects.values_list("event_id", flat=True)) == {"a", "b"}


def test_of_one_id_in_a_batch_the_first_counts_whatever_the_others_carry(caller: Caller) -> None:
    answer = send(caller, event("a", eventType="first"), event("a", userId="2"), event("a", traits={"name": "Eve"}))

    assert answer.json() == {"accepted": 1, "duplicates": 2, "rejected": []}
    assert Event.objects.get().event_type == "first"
    assert [(lead.name, lead.traits) for lead in Lead.objects.all()] == [("", {})]


def test_a_refused_event_does_not_use_up_its_id(caller: Caller) -> None:
    answer = send(caller, event("a", leadId="nobody"), event("a", eventType=""), event("a"), event("a"))

    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (1, 1)
    assert [rejected["index"] for rejected in answer.json()["rejected"]] == [0, 1]


def test_a_batch_that_is_sent_again_adds_nothing(caller: Caller) -> None:
    events = [event(f"e{n}", userId=str(n % 7)) for n in range(50)]

    assert send(caller, *events).json()["accepted"] == 50
    assert send(caller, *events).json() == {"accepted": 0, "duplicates": 50, "rejected": []}
    assert (Event.objects.count(), Lead.objects.count()) == (50, 7)


def test_events_of_one_new_person_make_one_lead(caller: Caller) -> None:
    send(caller, event(userId=None, anonymousId="x"), event(userId="7", anonymousId="x"), event(userId="7"))

    assert Lead.objects.count() == 1


def test_another_projects_lead_is_no_lead_in_a_batch_either(caller: Caller) -> None:
    theirs = make_lead(make_project("Theirs"))

    (rejected,) = send(caller, event(leadId=str(theirs.pk))).json()["rejected"]

    assert rejected["code"] == "lead_not_found"


def test_an_empty_batch_is_fine(caller: Caller) -> None:
    assert send(caller).json() == {"accepted": 0, "duplicates": 0, "rejected": []}


def test_a_batch_of_nothing_but_bad_events_is_answered_one_by_one(caller: Caller) -> None:
    answer = send(caller, *[{}] * 1000)

    assert (answer.status_code, len(answer.json()["rejected"])) == (202, 1000)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": {}}', b'{"events": 5}', b"\xff", b'{"events": ['])
def test_what_is_no_batch_is_400(caller: Caller, body: bytes) -> None:
    assert problem_of(caller.post("/api/events/batch", body))["status"] == 400


def test_more_than_a_thousand_events_are_413_and_none_is_stored(caller: Caller) -> None:
    assert problem_of(send(caller, *[event()] * 1001))["status"] == 413
    assert not Event.objects.exists()


def test_more_than_eight_megabytes_are_413(caller: Caller) -> None:
    body = b'{"events": []}'

    assert caller.post("/api/events/batch", body.ljust(8 * 1024 * 1024)).status_code == 202
    assert problem_of(caller.post("/api/events/batch", body.ljust(8 * 1024 * 1024 + 1)))["status"] == 413


def test_what_a_batch_costs_the_database_does_not_depend_on_its_size(caller: Caller) -> None:
    send(caller, event())

    few, many = (
        _queries(caller, [event(userId=f"{size}.{n}", email=f"{n}@{size}.de") for n in range(size)])
        for size in (2, 300)
    )

    statements_of_postgresql_copy = 20
    assert many <= few + statements_of_postgresql_copy
    assert few < 16


def _queries(caller: Caller, events: list[dict[str, Any]]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert send(caller, *events).json()["accepted"] == len(events)
    return len(captured)
