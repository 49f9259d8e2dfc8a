"""Walks through all leads: resumed where they stopped, safe to double, ended with a reason when they cannot go on."""

from datetime import timedelta
from itertools import islice
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from django.utils import timezone

from ingest import background
from ingest.models import Project
from scoring import routing
from scoring.models import LeadScore, ScoreEntry, Walk, WalkPart
from scoring.services import walks
from scoring.services.rescore import batches
from scoring.services.verification import verify_leads
from tests.scoring.builders import event, make_project, projections, put_in_force, scorecard, track

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.services.rescore.MAX_LEADS", 3)


@pytest.fixture
def project() -> Project:
    project = make_project()
    track(project, *(event("signup", user=f"user-{number}") for number in range(20)))
    return project


def begin(project: Project, *, in_background: bool = False) -> Walk:
    return walks.start_rescore(project.pk, by=None, now=timezone.now(), in_background=in_background)


def finish(walk: Walk) -> Walk:
    for part in walk.parts.all():
        for _ in walks.steps(part.pk, any_cursor=True):
            pass
    walk.refresh_from_db()
    return walk


def spoil() -> None:
    ScoreEntry.objects.all()._raw_delete("default")
    LeadScore.objects.update(score=0, stage="cold")


def test_a_walk_that_stopped_goes_on_where_it_stopped(project: Project) -> None:
    before = projections()
    spoil()
    walk = begin(project)
    list(islice(walks.steps(walk.parts.get().pk), 3))

    again = begin(project)

    assert again == walk
    assert walks.progress_of(again, now=timezone.now()).done == 9
    done = finish(again)
    assert (done.status, done.result["leads"], done.result["moved"]) == (Walk.Status.DONE, 20, 20)
    assert projections() == before


def test_a_step_that_fails_has_not_moved_its_cursor(project: Project) -> None:
    walk = begin(project)
    part = walk.parts.get()
    stepping = walks.steps(part.pk)
    next(stepping)

    with mock.patch.object(walks, "rescore_leads", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        next(stepping)

    assert WalkPart.objects.get(pk=part.pk).done == 3
    assert finish(walk).result["leads"] == 20


def test_of_two_that_walk_the_same_part_one_stops_and_no_lead_counts_twice(project: Project) -> None:
    walk = begin(project)
    part = walk.parts.get()
    one, two = walks.steps(part.pk), walks.steps(part.pk)

    next(one)
    assert list(two) == []
    for _ in one:
        pass

    walk.refresh_from_db()
    assert (walk.status, walk.result["leads"]) == (Walk.Status.DONE, 20)


def test_in_the_background_the_leads_are_split_over_the_lead_queues(project: Project) -> None:
    with mock.patch.object(background, "start") as sent, transaction.atomic():
        walk = begin(project, in_background=True)
        parts = list(walk.parts.all())
        walks._send_all(parts)

    assert sorted(slot for part in parts for slot in part.slots) == list(range(256))
    assert {call.kwargs["queue"] for call in sent.mock_calls} == set(routing.queues())
    spoil()
    assert finish(walk).result["leads"] == 20
    assert LeadScore.objects.filter(score=20).count() == 20


def test_a_task_that_was_doubled_does_nothing(project: Project) -> None:
    part = begin(project).parts.get()
    with mock.patch.object(background, "start") as sent:
        walks.walk_on(part.pk, None, seconds=-1)
        cursor = WalkPart.objects.get(pk=part.pk).cursor
        walks.walk_on(part.pk, None, seconds=-1)

    sent.assert_called_once_with("scoring.tasks.walk", part.pk, cursor, queue="system")
    assert WalkPart.objects.get(pk=part.pk).done == 3


def test_the_sweep_goes_on_with_what_stands_still_and_only_with_that(project: Project) -> None:
    part = begin(project).parts.get()
    now = timezone.now()
    with mock.patch.object(background, "start") as sent:
        assert walks.go_on(now=now) == 0
        assert walks.go_on(now=now + timedelta(minutes=2)) == 1
        assert walks.go_on(now=now + timedelta(minutes=2, seconds=5)) == 0

    sent.assert_called_once_with("scoring.tasks.walk", part.pk, None, queue="system")


def test_a_new_version_ends_the_rescore_for_the_old_one(project: Project) -> None:
    old = begin(project)
    put_in_force(project, scorecard(signup=70))

    new = begin(project)

    old.refresh_from_db()
    assert old.status == Walk.Status.SUPERSEDED
    assert list(walks.steps(old.parts.get().pk)) == []
    assert finish(new).result["moved"] == 20


def test_a_walk_that_keeps_failing_ends_and_says_why(project: Project) -> None:
    walk = begin(project)
    part = walk.parts.get()

    with mock.patch.object(walks, "rescore_leads", side_effect=ZeroDivisionError("no such luck")):
        for _ in range(3):
            walks.walk_on(part.pk, None, seconds=1)

    walk.refresh_from_db()
    assert (walk.status, walk.error) == (Walk.Status.FAILED, "ZeroDivisionError: no such luck")


@pytest.mark.parametrize(
    ("spoiling", "told"),
    [
        (lambda: LeadScore.objects.update(score=1), "stored 1"),
        (lambda: LeadScore.objects.all().delete(), "no score is stored"),
        (lambda: ScoreEntry.objects.update(delta=19, new_score=19), "the ledger differs"),
        (lambda: ScoreEntry.objects.all().delete(), "the ledger differs"),
    ],
)
def test_verifying_finds_what_is_not_what_the_log_says(project: Project, spoiling: Any, told: str) -> None:
    leads = [lead for batch in batches(project.pk) for lead in batch]
    assert verify_leads(project.pk, leads) == []

    spoiling()

    found = verify_leads(project.pk, leads)
    assert len(found) == 20
    assert told in found[0].what
