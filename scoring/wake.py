"""Wake-ups: at most one waiting task per queue, however many events come.

A wake-up is a hint. If Redis or the broker cannot be reached it is simply not given; the sweep gives it later, because
what is to be done stands in the database.
"""

from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

import structlog
from celery import Task, current_app
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from ingest import redis_access
from ingest.pause import Pause

log = structlog.get_logger(__name__)

_FLAG_SECONDS = 10
broker_pause = Pause(seconds=1.0)


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


def start(task_name: str, *keys: UUID | None, queue: str = "system") -> None:
    """Send a task by its name, for services, which tasks build on and not the reverse."""
    args = [None if key is None else str(key) for key in keys]
    _try(lambda: current_app.send_task(task_name, args=args, queue=queue, retry=False), task=task_name, queue=queue)


def lower_flag(queue: str) -> None:
    """Let the next event wake the queue again. To be called before looking for work, so that none is overlooked."""
    redis_access.attempt(lambda client: client.delete(_flag(queue)), otherwise=0)


def _raise_flag(queue: str, client: Redis) -> bool:
    return bool(client.set(_flag(queue), 1, nx=True, ex=_FLAG_SECONDS))


def _flag(queue: str) -> str:
    return f"leadscore:awake:{queue}"


def _sent(task: "Task[..., object]", queue: str) -> bool:
    return _try(lambda: task.apply_async(args=(queue,), queue=queue, retry=False), task=task.name, queue=queue)


def _try(send: Callable[[], object], *, task: str, queue: str) -> bool:
    """Return whether the broker took a task."""
    if broker_pause.lasts:
        return False
    try:
        send()
    except (OperationalError, RedisError, OSError) as error:
        broker_pause.begin()
        log.warning("task_not_sent", task=task, queue=queue, error=str(error))
        return False
    return True
