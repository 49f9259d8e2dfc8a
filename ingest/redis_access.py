"""Redis, used so that a Redis that is down or slow costs a request next to nothing and refuses none.

Redis holds hints only (wake-ups, token buckets). After a failure it is left alone for a moment instead of being
waited for again by every request.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from throttled.exceptions import StoreUnavailableError

from ingest.pause import Pause

T = TypeVar("T")
log = structlog.get_logger(__name__)

pause = Pause(seconds=1.0)


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    """Return this process's Redis client; it fails fast and never retries."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT,
        socket_connect_timeout=settings.REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )


def attempt(operation: Callable[[redis.Redis], T], *, otherwise: T) -> T:
    """Return what `operation` gives, or `otherwise` while Redis cannot be reached."""
    if pause.lasts:
        return otherwise
    try:
        return operation(client())
    except (redis.RedisError, StoreUnavailableError, OSError) as error:
        pause.begin()
        log.warning("redis_unreachable", error=str(error))
        return otherwise
