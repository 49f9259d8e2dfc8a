"""Hand tasks to the broker. A task is a hint: if the broker cannot be reached it is simply not sent.

What is to be done stands in the database, and the beat looks for what stands still. A broker that has just failed is
left alone for a moment.
"""

from collections.abc import Callable
from uuid import UUID

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from ingest.pause import Pause

log = structlog.get_logger(__name__)

broker_pause = Pause(seconds=1.0)


def start(task_name: str, *keys: UUID | None, queue: str = "system") -> None:
    """Send a task by its name, with the ids it works on: for services, which tasks build on and not the reverse."""
    args = [None if key is None else str(key) for key in keys]
    attempt(lambda: current_app.send_task(task_name, args=args, queue=queue, retry=False), task=task_name, queue=queue)


def attempt(send: Callable[[], object], *, task: str, queue: str) -> bool:
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
