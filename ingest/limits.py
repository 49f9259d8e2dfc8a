"""How many events a key may send, and how many bad keys an address: token buckets that web processes share in Redis.

The bucket is GCRA, the exact continuous form of a token bucket (no window whose edge lets twice the limit through):
it holds a minute's worth of events and refills steadily. Without Redis each process keeps buckets of its own, so a
Redis that is down loosens the limit instead of refusing events.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from throttled import MemoryStore, RateLimitState, RedisStore, Throttled, per_min
from throttled.constants import RateLimiterType

from ingest import redis_access

T = TypeVar("T")

WINDOW_SECONDS = 60
_BAD_KEYS = "bad-keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a key may still send: whether these events were `granted`, and when there is room again, in seconds."""

    name: str = "default"
    limit: int
    granted: bool
    remaining: int
    reset_after: int
    retry_after: int

    @property
    def policy(self) -> str:
        """Return the `RateLimit-Policy` header (IETF draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self.name}";q={self.limit};w={WINDOW_SECONDS}'

    @property
    def state(self) -> str:
        """Return the `RateLimit` header."""
        return f'"{self.name}";r={self.remaining};t={self.reset_after}'


def spend(key_id: UUID, *, events_per_minute: int, events: int) -> Allowance:
    """Take `events` tokens from a key's bucket if it holds that many, else none."""
    if events_per_minute < 1:
        return Allowance(limit=0, granted=False, remaining=0, reset_after=WINDOW_SECONDS, retry_after=WINDOW_SECONDS)
    name = f"key:{key_id}:{events_per_minute}"
    result = _ask(events_per_minute, lambda bucket: bucket.limit(name, events))
    return _allowance(result.state, events_per_minute, limited=result.limited)


def spend_bad_key(network: str) -> None:
    """Take a token from the bucket of a network that has sent a bad key."""
    most = settings.BAD_KEYS_PER_MINUTE
    if most:
        _ask(most, lambda bucket: bucket.limit(_bad_keys_of(network, most)))


def bad_keys_left(network: str) -> Allowance:
    """Return how many bad keys a network may still send, taking nothing; `granted` while it is one or more."""
    most = settings.BAD_KEYS_PER_MINUTE
    if not most:
        return Allowance(name=_BAD_KEYS, limit=0, granted=True, remaining=0, reset_after=0, retry_after=0)
    state = _ask(most, lambda bucket: bucket.peek(_bad_keys_of(network, most)))
    return _allowance(state, most, limited=state.remaining < 1, name=_BAD_KEYS)


def _bad_keys_of(network: str, most: int) -> str:
    return f"{_BAD_KEYS}:{network}:{most}"


def _ask(events_per_minute: int, question: Callable[[Throttled], T]) -> T:
    """Return what the bucket answers that processes share in Redis, or without Redis this process's own."""
    answer = redis_access.attempt(lambda _: question(_bucket(events_per_minute, _redis_store())), otherwise=None)
    return question(_bucket(events_per_minute, _memory_store())) if answer is None else answer


def _allowance(state: RateLimitState, limit: int, *, limited: bool, name: str = "default") -> Allowance:
    return Allowance(
        name=name,
        limit=limit,
        granted=not limited,
        remaining=max(0, state.remaining),
        reset_after=math.ceil(state.reset_after),
        retry_after=max(1, math.ceil(state.retry_after)) if limited else 0,
    )


@lru_cache(maxsize=1)
def _redis_store() -> RedisStore:
    return RedisStore(
        server=settings.REDIS_URL,
        options={
            "SOCKET_TIMEOUT": settings.REDIS_TIMEOUT,
            "SOCKET_CONNECT_TIMEOUT": settings.REDIS_TIMEOUT,
            "REDIS_CLIENT_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        },
    )


@lru_cache(maxsize=1)
def _memory_store() -> MemoryStore:
    return MemoryStore()


def _bucket(events_per_minute: int, store: RedisStore | MemoryStore) -> Throttled:
    return Throttled(
        using=RateLimiterType.GCRA.value,
        quota=per_min(events_per_minute, burst=events_per_minute),
        store=store,
        key_prefix="leadscore",
    )
