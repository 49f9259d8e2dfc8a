"""Wake-ups: at most one waiting task per queue, however many events come.

A wake-up is a hint. If Redis or the broker cannot be reached it is simply not given; the sweep gives it later, because
what is to be done stands in the database.
"""

from collections.abc import Iterable
from functools import partial

from celery import Task
from redis import Redis

from ingest import redis_access
from ingest.background import attempt, broker_pause

_FLAG_SECONDS = 10


def wake(task: "Task[..., object]", queues: Iterable[str]) -> None:
    """Send `task(queue)` to each queue that has none waiting."""
    for queue in sorted(queues):
        if broker_pause.lasts:
            return
        if redis_access.attempt(partial(_raise_flag, queue), otherwise=False) and not _sent(task, queue):
            lower_flag(queue)


def wake_again(task: "Task[..., object]", queues: Iterable[str]) -> None:
    """Send `task(queue)` to each queue even though one may be waiting: a wake-up may have been lost."""
    for queue in sorted(queues):
        if broker_pause.lasts:
            return
        _sent(task, queue)


def lower_flag(queue: str) -> None:
    """Let the next event wake the queue again. To be called before looking for work, so that none is overlooked."""
    redis_access.attempt(lambda client: client.delete(_flag(queue)), otherwise=0)


def _raise_flag(queue: str, client: Redis) -> bool:
    return bool(client.set(_flag(queue), 1, nx=True, ex=_FLAG_SECONDS))


def _flag(queue: str) -> str:
    return f"leadscore:awake:{queue}"


def _sent(task: "Task[..., object]", queue: str) -> bool:
    return attempt(lambda: task.apply_async(args=(queue,), queue=queue, retry=False), task=task.name, queue=queue)
