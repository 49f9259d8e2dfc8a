"""Whoever guesses keys is slowed down, by address, at no cost to the database; others behind the address are not."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries, Settings

from ingest import redis_access
from ingest.api import strangers
from ingest.models import ApiKey
from tests.builders import Answer, Caller, caller_of, make_project, problem_of

pytestmark = pytest.mark.django_db
MOST = 3


@pytest.fixture(autouse=True)
def few_bad_keys(settings: Settings) -> Iterator[None]:
    settings.BAD_KEYS_PER_MINUTE = MOST
    strangers._good.clear()
    redis_access.attempt(forget, otherwise=None)
    yield
    redis_access.attempt(forget, otherwise=None)
    strangers._good.clear()


def forget(client: redis.Redis) -> None:
    for name in client.scan_iter("*bad-keys*"):
        client.delete(name)


def ask(token: str | None, address: str = "192.0.2.1", **extra: Any) -> Answer:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return Caller().client.get("/api/leads", headers=headers, REMOTE_ADDR=address, **extra)


def use_up(address: str = "192.0.2.1", token: str | None = "sk_guess") -> None:
    for _ in range(MOST):
        assert ask(token, address).status_code == 401


@pytest.mark.parametrize("token", [None, "sk_guess", "nonsense"])
def test_beyond_the_bucket_the_answer_is_429_without_a_query(
    token: str | None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    use_up(token=token)

    with django_assert_num_queries(0):
        answer = ask(token)

    assert answer.status_code == 429
    assert problem_of(answer)["code"] == "too_many_bad_keys"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Policy"] == f'"bad-keys";q={MOST};w=60'
    assert answer.headers["RateLimit"].startswith('"bad-keys";r=0;t=')


def test_a_good_key_in_use_goes_on_behind_the_same_address_in_every_process() -> None:
    caller = caller_of(make_project())
    assert ask(caller.token).status_code == 200
    use_up()

    assert ask(caller.token).status_code == 200
    strangers._good.clear()
    assert ask(caller.token).status_code == 200


def test_another_address_is_not_concerned() -> None:
    use_up()

    assert ask("sk_guess", "192.0.2.2").status_code == 401
    assert ask(caller_of(make_project()).token, "192.0.2.2").status_code == 200


def test_good_requests_use_nothing_up() -> None:
    caller = caller_of(make_project())

    assert {ask(caller.token).status_code for _ in range(3 * MOST)} == {200}
    use_up()


def test_a_revoked_key_is_a_bad_one_at_once() -> None:
    caller = caller_of(make_project())
    assert ask(caller.token).status_code == 200
    ApiKey.objects.update(active=False)

    use_up(token=caller.token)

    assert ask(caller.token).status_code == 429


def test_an_ipv6_network_is_one_address_and_a_mapped_ipv4_is_itself() -> None:
    use_up("2001:db8::1")

    assert ask("sk_guess", "2001:db8::ffff").status_code == 429
    assert ask("sk_guess", "2001:db8:0:1::1").status_code == 401
    use_up("::ffff:192.0.2.9")
    assert ask("sk_guess", "192.0.2.9").status_code == 429


def test_behind_a_proxy_the_address_is_the_one_it_tells() -> None:
    with override_settings(RATELIMIT_IP_META_KEY="leadscore.proxy.client_address"):
        for _ in range(MOST):
            ask("sk_guess", "10.0.0.1", HTTP_X_FORWARDED_FOR="1.1.1.1, 192.0.2.7")

        assert ask("sk_guess", "10.0.0.1", HTTP_X_FORWARDED_FOR="2.2.2.2, 192.0.2.7").status_code == 429
        assert ask("sk_guess", "10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.8").status_code == 401


def test_without_redis_good_keys_are_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_access, "attempt", lambda _, *, otherwise: otherwise)
    caller = caller_of(make_project())

    assert ask("sk_guess", "192.0.2.77").status_code == 401
    assert ask(caller.token, "192.0.2.77").status_code == 200


def test_zero_is_no_limit(settings: Settings) -> None:
    settings.BAD_KEYS_PER_MINUTE = 0

    assert {ask("sk_guess").status_code for _ in range(3 * MOST)} == {401}
