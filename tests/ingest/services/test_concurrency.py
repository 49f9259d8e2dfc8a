"""Many at once: one event stays one event, one person one lead."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from ingest.core.matching import MAX_GROUP
from ingest.models import Event, Identifier, Lead, MatchKey, PendingEvent
from scoring.models import LeadScore
from tests.builders import Caller, drain_all, make_key, make_project

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 50


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Return what `work(0)` … `work(49)` give when they are begun at the same moment."""
    results: list[Any] = [None] * THREADS
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = work(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_same_event_fifty_times_at_once_is_stored_once() -> None:
    token = make_key(make_project())

    answers = at_once(lambda _: Caller(token=token).track("signup", eventId="e1", anonymousId="x").json())

    assert Counter(answer["status"] for answer in answers) == {"queued": 1, "duplicate": THREADS - 1}
    assert len({answer["leadId"] for answer in answers}) == 1
    assert (Event.objects.count(), PendingEvent.objects.count(), Lead.objects.count()) == (1, 1, 1)


def test_fifty_events_of_a_new_person_at_once_make_one_lead() -> None:
    token = make_key(make_project())

    answers = at_once(
        lambda number: Caller(token=token).track(
            "page_view", eventId=f"e{number}", userId="1", email="ada@example.com", anonymousId=f"tab{number % 5}"
        )
    )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["leadId"] for answer in answers}) == 1
    assert (Lead.objects.count(), LeadScore.objects.count(), Identifier.objects.count()) == (1, 1, 7)
    drain_all()
    assert LeadScore.objects.get().score == 5 * THREADS


def test_fifty_leads_with_one_number_at_once_are_all_stored_and_find_each_other() -> None:
    token = make_key(make_project())
    traits = {"phone": "+49 30 1234567", "name": "Ada", "company": "Engines"}

    answers = at_once(lambda number: Caller(token=token).track("identify", userId=str(number), traits=traits))

    assert {answer.status_code for answer in answers} == {202}
    for kind in ("phone", "name"):
        places = MatchKey.objects.filter(kind=kind).values_list("place", flat=True)
        assert sorted(places) == list(range(MAX_GROUP))


def test_overlapping_batches_at_once_store_each_event_once() -> None:
    token = make_key(make_project())
    events = [{"eventType": "page_view", "eventId": f"e{n}", "userId": str(n % 10)} for n in range(60)]

    answers = at_once(
        lambda number: (
            Caller(token=token)
            .post("/api/events/batch", {"events": events[number % 3 :: 1][:: -1 if number % 2 else 1]})
            .json()
        )
    )

    assert sum(answer["accepted"] for answer in answers) == 60
    assert (Event.objects.count(), Lead.objects.count()) == (60, 10)


def test_fifty_changes_of_one_profile_at_once_are_all_kept() -> None:
    token = make_key(make_project())
    Caller(token=token).track(userId="1")

    at_once(lambda number: Caller(token=token).track("identify", userId="1", traits={f"t{number}": number}))

    assert Lead.objects.get().traits == {f"t{number}": number for number in range(THREADS)}


def test_a_lead_that_is_created_fifty_times_at_once_is_created_once() -> None:
    token = make_key(make_project())

    answers = at_once(lambda _: Caller(token=token).post("/api/leads", {"email": "ada@example.com"}))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: THREADS - 1}
    created = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    assert {answer.json()["leadId"] for answer in answers if answer.status_code == 409} == {created}
