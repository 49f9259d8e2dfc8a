"""Wake-ups: one waiting per queue, and a Redis that is away costs next to nothing."""

import time
from unittest import mock

import pytest
import redis
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from ingest import background, redis_access
from ingest.models import PendingEvent
from scoring import routing, tasks, wake
from scoring.services import walks
from scoring.tasks import drain
from tests.scoring.builders import event, lead_of, make_project, pending, standing, take_in

QUEUE = "leads.0"


def waiting(client: redis.Redis) -> int:
    return sum(int(client.llen(queue)) for queue in routing.queues())


def test_many_wake_ups_leave_one_task_waiting(redis_client: redis.Redis) -> None:
    for _ in range(50):
        wake.wake(drain, [QUEUE])

    assert redis_client.llen(QUEUE) == 1


def test_a_flag_that_was_lowered_lets_the_next_event_wake_the_queue(redis_client: redis.Redis) -> None:
    wake.wake(drain, [QUEUE])
    wake.lower_flag(QUEUE)
    wake.wake(drain, [QUEUE])

    assert redis_client.llen(QUEUE) == 2


def test_a_flag_that_nobody_lowers_goes_by_itself(redis_client: redis.Redis) -> None:
    wake.wake(drain, [QUEUE])

    assert 0 < redis_client.ttl(f"leadscore:awake:{QUEUE}") <= 10


@pytest.fixture
def no_redis(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> object:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    redis_access.client.cache_clear()
    monkeypatch.setattr(redis_access._Pause, "until", 0.0)
    yield
    redis_access.client.cache_clear()
    redis_access._Pause.until = 0.0


@pytest.mark.usefixtures("no_redis")
def test_a_redis_that_is_away_costs_little_and_raises_nothing() -> None:
    wake.wake(drain, [QUEUE])

    begun = time.perf_counter()
    for _ in range(100):
        wake.wake(drain, routing.queues())
    assert time.perf_counter() - begun < 100 * 0.05


def test_a_broker_that_is_away_raises_nothing() -> None:
    from kombu.exceptions import OperationalError

    with mock.patch.object(drain, "apply_async", side_effect=OperationalError("refused")) as sent:
        wake.wake(drain, [QUEUE])
        wake.wake_again(drain, [QUEUE])

    assert sent.call_count == 2


@pytest.mark.django_db
def test_stored_events_wake_the_queue_of_their_lead_once_they_are_committed(
    redis_client: redis.Redis, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    project = make_project()

    with django_capture_on_commit_callbacks(execute=True):
        take_in(project, *(event("signup") for _ in range(20)))
        assert waiting(redis_client) == 0

    (queue,) = routing.queues_of([PendingEvent.objects.values_list("slot", flat=True)[0]])
    assert redis_client.llen(queue) == 1


@pytest.mark.django_db
def test_the_task_scores_what_is_pending_on_its_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "GATHER_SECONDS", 0)
    project = make_project()
    take_in(project, event("signup"), now=timezone.now())

    for queue in routing.queues():
        drain(queue)

    assert pending() == 0
    assert standing(project)[0] == 20


@pytest.mark.django_db
def test_the_task_ends_after_its_time_and_wakes_itself(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "DRAIN_SECONDS", -1)
    monkeypatch.setattr("scoring.services.drain.MAX_EVENTS", 1)
    project = make_project()
    take_in(project, event("signup"), event("signup"), now=timezone.now())
    (queue,) = routing.queues_of(PendingEvent.objects.values_list("slot", flat=True))

    drain(queue)

    assert pending() == 1
    assert redis_client.llen(queue) == 1


@pytest.mark.django_db
def test_the_sweep_wakes_only_queues_with_old_events(redis_client: redis.Redis) -> None:
    take_in(make_project(), event("signup"), now=timezone.now())

    tasks.sweep()
    assert waiting(redis_client) == 0

    PendingEvent.objects.update(due_at=timezone.now() - 2 * tasks.SWEEP_AFTER)
    tasks.sweep()
    assert waiting(redis_client) == 1


@pytest.mark.django_db
def test_a_rescore_in_the_background_goes_on_where_its_time_ended(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "WALK_SECONDS", -1)
    monkeypatch.setattr("scoring.services.rescore.MAX_LEADS", 1)
    project = make_project()
    take_in(project, event("signup", user="ada"), event("signup", user="bob"))
    walk = walks.start_rescore(project.pk, by=None, now=timezone.now(), in_background=False)
    part = walk.parts.get()

    with mock.patch.object(background, "start") as sent:
        tasks.walk(str(part.pk), None)

    first = min(lead_of(project, user).pk for user in ("ada", "bob"))
    sent.assert_called_once_with("scoring.tasks.walk", part.pk, first, queue="system")
