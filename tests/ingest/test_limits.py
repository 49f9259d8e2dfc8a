"""How many events a key may send: a token bucket, and what is said about it."""

import socket
import time
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings
from pytest_django import Settings

from ingest import limits, redis_access
from ingest.core.keys import KeyKind
from ingest.ids import new_id
from ingest.models import Event
from tests.builders import Caller, caller_of, make_project, problem_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_redis_clients() -> Iterator[None]:
    yield
    _forget_clients()


def _forget_clients() -> None:
    redis_access.client.cache_clear()
    limits._redis_store.cache_clear()
    redis_access.pause.end()


def limited(events_per_minute: int) -> Caller:
    return caller_of(make_project(), KeyKind.WRITE, events_per_minute=events_per_minute)


def batch(caller: Caller, size: int) -> object:
    return caller.post("/api/events/batch", {"events": [{"eventType": "a", "userId": "1"}] * size})


def test_a_new_write_key_may_send_a_hundred_a_minute_and_a_secret_key_any_number() -> None:
    project = make_project()

    headers = caller_of(project, KeyKind.WRITE).track().headers

    assert headers["RateLimit-Policy"] == '"default";q=100;w=60'
    assert headers["RateLimit"].startswith('"default";r=99;t=')
    assert "RateLimit" not in caller_of(project).track().headers


def test_a_whole_minutes_worth_may_come_at_once_and_then_no_more() -> None:
    caller = limited(5)

    answers = [caller.track() for _ in range(6)]

    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert Event.objects.count() == 5
    problem = problem_of(answers[-1])
    assert problem["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 13
    assert answers[-1].headers["RateLimit"].startswith('"default";r=0;t=')


def test_the_bucket_refills_steadily() -> None:
    caller = limited(600)
    assert batch(caller, 600).status_code == 202  # type: ignore[attr-defined]
    refused = caller.track()

    # A token comes every tenth of a second; there is room for one as soon as Retry-After says so, and not for many.
    deadline = time.monotonic() + int(refused.headers.get("Retry-After", 1)) + 1
    while (answer := caller.track()).status_code == 429:
        assert time.monotonic() < deadline
    assert answer.status_code == 202
    assert batch(caller, 100).status_code == 429  # type: ignore[attr-defined]


def test_a_batch_costs_its_number_of_events_the_bad_ones_included() -> None:
    caller = limited(10)

    answer = caller.post("/api/events/batch", {"events": [{"eventType": "a", "userId": "1"}, {}, None]})

    assert answer.headers["RateLimit"].startswith('"default";r=7;t=')


def test_a_batch_that_does_not_fit_costs_nothing_and_stores_nothing() -> None:
    caller = limited(10)
    caller.track()

    assert batch(caller, 10).status_code == 429  # type: ignore[attr-defined]
    assert batch(caller, 9).status_code == 202  # type: ignore[attr-defined]
    assert Event.objects.count() == 10


def test_a_batch_that_can_never_fit_is_told_so() -> None:
    problem = problem_of(batch(limited(10), 11))

    assert problem["detail"].endswith("11 at once are never let through: send them in smaller batches.")


def test_each_key_has_a_bucket_of_its_own() -> None:
    project = make_project()
    first, second = (caller_of(project, KeyKind.WRITE, events_per_minute=1) for _ in range(2))

    assert [caller.track().status_code for caller in (first, first, second)] == [202, 429, 202]


def test_a_key_that_may_send_nothing_is_refused() -> None:
    answer = limited(0).track()

    assert problem_of(answer)["status"] == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_the_largest_limit_works() -> None:
    assert limited(2**31 - 1).track().status_code == 202


def test_an_empty_batch_costs_nothing() -> None:
    assert batch(limited(1), 0).status_code == 202  # type: ignore[attr-defined]


def test_a_redis_that_is_away_neither_refuses_nor_delays_an_event(settings: Settings) -> None:
    settings.REDIS_URL = settings.BROKER_URL = "redis://127.0.0.1:1"
    _forget_clients()
    caller = limited(2)

    begun = time.monotonic()
    answers = [caller.track() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert time.monotonic() - begun < 2


def test_a_redis_that_does_not_answer_delays_one_event_in_many(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        settings.REDIS_TIMEOUT = 0.2
        _forget_clients()
        caller = limited(100)

        begun = time.monotonic()
        answers = [caller.track() for _ in range(10)]

    assert {answer.status_code for answer in answers} == {202}
    assert time.monotonic() - begun < 2


def test_a_redis_that_was_emptied_forgets_what_was_sent_and_nothing_else(redis_client: redis.Redis) -> None:
    caller = limited(1)
    caller.track()
    redis_client.flushdb()

    assert caller.track().status_code == 202
    assert settings.REDIS_URL


def test_tokens_are_taken_all_or_none() -> None:
    key_id = new_id()

    assert limits.spend(key_id, events_per_minute=10, events=7).granted
    assert not limits.spend(key_id, events_per_minute=10, events=4).granted
    assert limits.spend(key_id, events_per_minute=10, events=3).granted
