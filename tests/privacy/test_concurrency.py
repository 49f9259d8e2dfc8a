"""Erasing somebody while their events come in: whatever the order, nothing of them is left and no count is lost."""

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from ingest.models import Erasure, Event, Identifier, Lead, PendingEvent
from ingest.services.erasures import erase
from scoring.models import LeadScore, ScoreEntry
from tests.builders import Caller, drain_all, make_key, make_project
from tests.privacy.build import found_in_database

pytestmark = [
    pytest.mark.skipif(
        settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
        reason="on SQLite writers take turns, so that nothing can happen while somebody is erased",
    ),
    pytest.mark.django_db(transaction=True),
]

SENDERS, EVENTS = 8, 25


def at_once(*works: Callable[[], None]) -> None:
    start = threading.Barrier(len(works))
    failures: list[Exception] = []

    def run(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except Exception as failure:  # noqa: BLE001  (told by the thread that waits for all of them)
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize("attempt", range(3))
def test_events_that_come_while_their_person_is_erased_are_counted_or_refused(attempt: int) -> None:
    project = make_project()
    token = make_key(project)
    first = Caller(token=token).track("identify", userId="grace-1", email="grace@navy.example", traits={"a": "cobol"})
    lead_id = UUID(first.json()["leadId"])
    answers: list[int] = []
    half_way = threading.Event()

    def send(sender: int) -> None:
        caller = Caller(token=token)
        for number in range(EVENTS):
            kind = "identify" if number % 3 == 0 else "page_view"
            answer = caller.track(
                kind,
                eventId=f"grace-{sender}-{number}",
                userId="grace-1",
                anonymousId=f"browser-grace-{sender}",
                traits={f"t{number}": "cobol"},
            )
            answers.append(answer.status_code)
            if number == EVENTS // 3:
                half_way.set()

    def score() -> None:
        while len(answers) < SENDERS * EVENTS:
            drain_all()

    def erase_grace() -> None:
        assert half_way.wait(timeout=60), "nobody got half-way"
        assert erase(project.pk, lead_id, cause=Erasure.Cause.REQUEST, by="dana", now=timezone.now()) is not None

    at_once(*[partial(send, sender) for sender in range(SENDERS)], score, erase_grace)
    drain_all()

    counted = Counter(answers)
    assert counted.keys() == {202, 403}
    assert Event.objects.filter(lead=None).count() == counted[202] + 1 == Event.objects.count()
    for model in (Lead, Identifier, LeadScore, ScoreEntry, PendingEvent):
        assert not model.objects.exists(), model
    assert found_in_database(("grace", "cobol")) == []


def test_somebody_erased_twice_at_once_is_erased_once() -> None:
    project = make_project()
    lead_id = UUID(Caller(token=make_key(project)).track("signup").json()["leadId"])
    done: list[Erasure | None] = []

    def work() -> None:
        done.append(erase(project.pk, lead_id, cause=Erasure.Cause.REQUEST, by="dana", now=timezone.now()))

    at_once(*[work] * 6)

    assert sum(each is not None for each in done) == 1
    assert Erasure.objects.count() == 1
