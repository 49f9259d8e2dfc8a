"""How many events were refused inside of batches that were answered with success, by reason, for `/metrics`.

Kept in Redis, so that every process adds to the same numbers; while Redis is down nobody counts, and the log line of
each refusal remains.
"""

from collections.abc import Mapping

import redis

from ingest import redis_access

_NAME = "leadscore:refused"


def count(refused: Mapping[str, int]) -> None:
    """Add to the numbers of refused events, per `code`."""

    def add(client: redis.Redis) -> None:
        pipeline = client.pipeline(transaction=False)
        for code, events in refused.items():
            pipeline.hincrby(_NAME, code, events)
        pipeline.execute()

    redis_access.attempt(add, otherwise=None)


def counted() -> dict[str, int]:
    """Return how many events were refused per `code`; nothing while Redis cannot be reached."""

    def read(client: redis.Redis) -> dict[str, int]:
        return {_text(code): int(events) for code, events in client.hgetall(_NAME).items()}

    return redis_access.attempt(read, otherwise={})


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
