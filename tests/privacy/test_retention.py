"""People of whom nothing is heard for as long as their project says are erased, and nobody else."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from ingest.models import Erasure, Event, Lead, Project
from ingest.services import retention
from ingest.services.retention import count_idle, erase_idle_people
from tests.builders import Caller, caller_of, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


@pytest.fixture
def later() -> datetime:
    return timezone.now() + timedelta(days=31)


def keep_for(project: Project, days: int | None) -> None:
    Project.objects.filter(pk=project.pk).update(erase_after_idle_days=days)


def event_at(caller: Caller, user: str, moment: datetime) -> None:
    caller.track(userId=user)
    Event.objects.filter(lead__identifiers__value=user).update(occurred_at=moment)


def test_whoever_was_idle_for_longer_is_erased(project: Project, caller: Caller, later: datetime) -> None:
    keep_for(project, 30)
    event_at(caller, "idle", later - timedelta(days=31))
    event_at(caller, "busy", later - timedelta(days=29))

    assert erase_idle_people(now=later, seconds=10) == 1

    assert list(Lead.objects.values_list("identifiers__value", flat=True)) == ["busy"]
    assert Erasure.objects.get().cause == Erasure.Cause.RETENTION
    assert caller.track(userId="idle").status_code == 202, "nobody objected, so who comes back is somebody new"
    assert Event.objects.filter(project=project).count() == 3


def test_an_event_of_a_merged_lead_counts_for_the_person(project: Project, caller: Caller, later: datetime) -> None:
    keep_for(project, 30)
    event_at(caller, "one", later - timedelta(days=31))
    caller.track(anonymousId="browser")
    caller.track("identify", userId="one", anonymousId="browser")
    Event.objects.update(occurred_at=later - timedelta(days=31))
    newest = Event.objects.filter(lead__merged_into__isnull=False).first()
    assert newest is not None
    Event.objects.filter(pk=newest.pk).update(occurred_at=later)

    assert erase_idle_people(now=later, seconds=10) == 0


def test_whoever_has_just_become_known_is_kept_however_old_their_events(project: Project, caller: Caller) -> None:
    keep_for(project, 30)
    event_at(caller, "imported", timezone.now() - timedelta(days=900))

    assert erase_idle_people(now=timezone.now(), seconds=10) == 0


def test_nobody_is_erased_where_no_retention_is_set(project: Project, caller: Caller, later: datetime) -> None:
    keep_for(make_project("Other"), 1)
    caller.track(userId="idle")

    assert erase_idle_people(now=later, seconds=10) == 0


def test_it_goes_on_where_it_stopped(
    project: Project, caller: Caller, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PORTION", 2)
    keep_for(project, 10)
    for number in range(5):
        caller.track(userId=str(number))

    runs = [erase_idle_people(now=later, seconds=-1) for _ in range(4)]

    assert runs == [2, 2, 1, 0]
    project.refresh_from_db()
    assert project.retention_cursor is None


def test_counting_says_how_many_it_would_be_and_erases_nobody(
    project: Project, caller: Caller, later: datetime
) -> None:
    event_at(caller, "idle", later - timedelta(days=31))
    event_at(caller, "busy", later)

    assert [count_idle(project.pk, days, now=later).idle for days in (30, 40)] == [1, 0]
    assert Lead.objects.count() == 2


def test_somebody_who_comes_back_before_their_turn_is_kept(project: Project, caller: Caller, later: datetime) -> None:
    keep_for(project, 30)
    event_at(caller, "idle", later - timedelta(days=31))
    lead = Lead.objects.get()
    since = later - timedelta(days=30)
    event_at(caller, "idle", later)

    assert not retention._erase_if_idle(project.pk, lead.pk, since=since, now=later)
    assert Lead.objects.exists()
