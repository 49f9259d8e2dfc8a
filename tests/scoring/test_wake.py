"""Wake-ups: one waiting per queue, and a Redis that is away costs next to nothing."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import pytest
import redis
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from ingest import background, redis_access
from ingest.models import PendingEvent
from leadscore.celery import app
from scoring import routing, tasks, wake
from scoring.services import walks
from scoring.tasks import drain
from tests.builders import Caller, make_key
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
def no_redis(settings: Settings) -> Iterator[None]:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    redis_access.client.cache_clear()
    redis_access.pause.end()
    yield
    redis_access.client.cache_clear()
    redis_access.pause.end()


@pytest.mark.usefixtures("no_redis")
def test_a_redis_that_is_away_costs_little_and_raises_nothing() -> None:
    wake.wake(drain, [QUEUE])

    begun = time.perf_counter()
    for _ in range(100):
        wake.wake(drain, routing.queues())
    assert time.perf_counter() - begun < 100 * 0.05


@pytest.fixture
def broker_at() -> Iterator[Callable[[str], None]]:
    """Let tasks be sent to another broker, by connections that are made anew."""
    before = app.conf.broker_write_url

    def use(url: str) -> None:
        app.conf.update(broker_write_url=url)
        app._after_fork()  # type: ignore[attr-defined]  # drops the connections that are open
        background.broker_pause.end()

    yield use
    use(before)


@pytest.fixture(params=["absent", "refusing", "silent", "full"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of a Redis that is not there, in each way in which it can be missing."""
    if request.param == "absent":
        yield f"redis+socket://{tmp_path}/redis.sock"
        return
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as callers:
        address = server.getsockname()
        for _ in range(4 if request.param == "full" else 0):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(address)
        if request.param == "refusing":
            server.close()
        yield f"redis://127.0.0.1:{address[1]}"


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_costs_a_second_once_and_raises_nothing(
    broker_at: Callable[[str], None], nowhere: str, scheme: str
) -> None:
    if "socket" not in nowhere:
        nowhere = nowhere.replace("redis", scheme)
    broker_at(nowhere)

    begun = time.perf_counter()
    background.start("scoring.tasks.sweep")
    wake.wake(drain, routing.queues())
    wake.wake_again(drain, routing.queues())

    assert time.perf_counter() - begun < 4  # trying again took six, each time


@pytest.mark.django_db
def test_an_event_is_taken_in_time_though_the_broker_is_away(
    broker_at: Callable[[str], None], nowhere: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    caller = Caller(token=make_key(make_project()))
    broker_at(nowhere)

    begun = time.perf_counter()
    with django_capture_on_commit_callbacks(execute=True):
        answers = [caller.track("signup", anonymousId=f"visitor-{number}") for number in range(5)]

    assert {answer.status_code for answer in answers} == {202}
    assert time.perf_counter() - begun < 4  # trying again took six, each time


def test_a_wake_up_that_could_not_be_sent_is_sent_with_the_next_event(
    broker_at: Callable[[str], None], redis_client: redis.Redis
) -> None:
    here = app.conf.broker_write_url
    broker_at("redis://127.0.0.1:1")
    wake.wake(drain, [QUEUE])
    broker_at(here)

    wake.wake(drain, [QUEUE])

    assert redis_client.llen(QUEUE) == 1


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
