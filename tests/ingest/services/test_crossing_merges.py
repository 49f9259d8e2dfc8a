"""Merges that meet: of the same people, in both directions, while events come in and scores are made."""

import threading
from typing import Any

import pytest
from django.db import connections

from ingest.models import Event, Identifier, Lead, PendingEvent, Project
from ingest.selectors import members_of_leads
from scoring.models import LeadScore, Refold
from scoring.services.verification import verify_leads
from tests.builders import Caller, drain_all, make_key, make_project

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*works: Any) -> None:
    """Run all of these at once; raise what one of them raised."""
    start = threading.Barrier(len(works))
    failures: list[BaseException] = []

    def run(work: Any) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def assert_whole(project: Project, *, events: int) -> None:
    survivors = list(Lead.objects.filter(merged_into=None).values_list("pk", flat=True))
    assert verify_leads(project.pk, survivors) == []
    assert set(LeadScore.objects.values_list("lead", flat=True)) == set(survivors)
    assert (Refold.objects.count(), PendingEvent.objects.count()) == (0, 0)
    assert Event.objects.filter(kind=Event.Kind.ACTIVITY).count() == events
    assert members_of_leads(survivors).keys() == set(Lead.objects.values_list("pk", flat=True))


def test_merges_of_the_same_people_from_both_ends_make_one_lead() -> None:
    project = make_project()
    caller = Caller(token=make_key(project))
    ring = ["a", "b", "c", "d", "e", "f"]
    for name in ring:
        caller.track("page_view", anonymousId=name)

    def join(one: str, other: str) -> None:
        answer = Caller(token=caller.token).track("alias", anonymousId=one, externalIds={"crm": other})
        assert answer.status_code == 202

    for name in ring:
        caller.track("identify", anonymousId=name, externalIds={"crm": name})
    in_threads(
        *(lambda one=one, other=other: join(one, other) for one, other in zip(ring, ring[1:] + ring[:1], strict=True))
    )
    drain_all()

    assert Lead.objects.filter(merged_into=None).count() == 1
    assert_whole(project, events=18)


def test_events_that_come_in_while_people_merge_and_are_scored_all_count_once() -> None:
    project = make_project()
    caller = Caller(token=make_key(project))
    for number in range(8):
        caller.track("page_view", anonymousId=f"x{number}")
        caller.track("page_view", userId=f"user{number}")
    over = threading.Event()

    def visit(number: int) -> None:
        for _ in range(20):
            assert Caller(token=caller.token).track("page_view", anonymousId=f"x{number}").status_code == 202

    def log_in() -> None:
        for number in range(8):
            answer = Caller(token=caller.token).track("identify", anonymousId=f"x{number}", userId=f"user{number}")
            assert answer.status_code == 202

    def score() -> None:
        while not over.is_set():
            drain_all()

    def send() -> None:
        try:
            in_threads(log_in, *(lambda number=number: visit(number) for number in range(8)))
        finally:
            over.set()

    in_threads(send, score)
    drain_all()

    assert Lead.objects.filter(merged_into=None).count() == 8
    assert_whole(project, events=16 + 8 + 160)
    assert sum(LeadScore.objects.values_list("score", flat=True)) == 5 * (16 + 160)


def test_merging_and_separating_at_once_leaves_everything_whole() -> None:
    project = make_project()
    caller = Caller(token=make_key(project))
    ada, bob = (caller.track("page_view", userId=name).json()["leadId"] for name in ("ada", "bob"))

    def again_and_again(route: str) -> None:
        for _ in range(10):
            answer = Caller(token=caller.token).post(f"/api/leads/{ada}/{route}", {"otherId": bob})
            assert answer.status_code in {200, 409}

    def visit() -> None:
        for number in range(20):
            name = ("ada", "bob")[number % 2]
            assert Caller(token=caller.token).track("page_view", userId=name).status_code == 202

    in_threads(lambda: again_and_again("merge"), lambda: again_and_again("unmerge"), visit, drain_all, drain_all)
    drain_all()

    assert_whole(project, events=22)
    assert sum(LeadScore.objects.values_list("score", flat=True)) == 5 * 22
    assert Identifier.objects.count() == 2
