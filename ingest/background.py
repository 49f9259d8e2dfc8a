"""Send tasks by their names: for services, which tasks build on and not the reverse.

A task is a hint. If the broker cannot be reached it is simply not sent: what is to be done stands in the database, and
the beat looks for what stands still.
"""

from uuid import UUID

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


def start(task_name: str, *keys: UUID | None, queue: str = "system") -> None:
    """Send a task with the ids it works on."""
    args = [None if key is None else str(key) for key in keys]
    try:
        current_app.send_task(task_name, args=args, queue=queue, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("task_not_sent", task=task_name, error=str(error))
