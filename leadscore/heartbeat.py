"""Whether the clock is ticking: beat leaves a mark when it starts and then through a periodic task.

The mark travels the same way as every other periodic task (beat, broker, the worker of `system`), so a fresh one says
that all three work.
"""

import time
from typing import Any

import redis
from celery import shared_task
from celery.signals import beat_init
from django.conf import settings

KEY = "leadscore:heartbeat"
SECONDS_FRESH = 90


def mark() -> None:
    """Leave the mark."""
    with _redis() as client:
        client.set(KEY, f"{time.time():.3f}")


def age() -> float | None:
    """Return how many seconds ago the mark was left, if it was; raise `redis.RedisError` without Redis."""
    with _redis() as client:
        left = client.get(KEY)
    return None if left is None else max(0.0, time.time() - float(left))


@shared_task(name="leadscore.heartbeat", ignore_result=True, time_limit=10)
def heartbeat() -> None:
    mark()


@beat_init.connect
def mark_start(**_: Any) -> None:
    """Count the start of beat as its first tick, so that a system is ready when it has just been started."""
    mark()


def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT,
        socket_connect_timeout=settings.REDIS_TIMEOUT,
    )
