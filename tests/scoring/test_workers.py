"""A real worker: killed in the middle of a backlog, and a Redis that is flushed. Nothing is lost, nothing doubled."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.db import connection
from django.utils import timezone

from scoring import routing, tasks
from scoring.models import ScoreEntry
from tests.scoring.builders import NOON, event, make_project, pending, take_in

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
LEADS, EVENTS = 300, 20


def eventually(what: str, condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker of every queue on the database of the tests."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "leadscore", "worker", "--pool", "solo", "--queues"),
                ",".join((*routing.queues(), "system", "deliveries")),
            ],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": address_of_test_database(), "LOG_FORMAT": "json"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def address_of_test_database() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    return f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


def test_a_worker_that_is_killed_leaves_a_backlog_that_the_next_one_finishes(redis_client: redis.Redis) -> None:
    project = make_project()
    users = [f"user-{number}" for number in range(LEADS)]
    for number in range(EVENTS):
        take_in(
            project,
            *(event("page_view", NOON + timedelta(minutes=number), user=user) for user in users),
            now=timezone.now() - timedelta(minutes=1),
        )

    with worker() as first:
        eventually("some are scored", lambda: pending() < LEADS * EVENTS)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    left = pending()
    redis_client.flushdb()  # and every wake-up is lost
    with worker():  # it sweeps as it starts
        eventually("all are scored", lambda: pending() == 0)

    assert left > 0
    assert ScoreEntry.objects.count() == LEADS * EVENTS
    assert set(project.scores.values_list("score", flat=True)) == {5 * EVENTS}


def test_the_sweep_wakes_the_queues_whose_wake_up_was_lost(redis_client: redis.Redis) -> None:
    take_in(make_project(), event("signup"), now=timezone.now() - timedelta(minutes=1))
    redis_client.flushdb()

    tasks.sweep()

    assert sum(redis_client.llen(queue) for queue in routing.queues()) == 1
