"""Fixtures: the embedded Redis, as `manage.py up` starts it, for every test that does not bring a `REDIS_URL`."""

import subprocess
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from leadscore.running.embedded_redis import prepare_socket, redis_server, wait_until_it_answers
from leadscore.running.guard import Guard


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[None]:
    socket = settings.EMBEDDED_REDIS_SOCKET
    if socket is None:
        yield
        return
    guard = Guard()
    prepare_socket(socket)
    server = subprocess.Popen(
        guard.leashed(redis_server(socket).command),
        pass_fds=[guard.pipe],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    wait_until_it_answers(socket)
    yield
    server.terminate()
    server.wait()
    guard.close()


@pytest.fixture(scope="session")
def _redis_client(_redis_server: None) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture(autouse=True)
def redis_client(_redis_client: redis.Redis) -> redis.Redis:
    """Return a client of an empty Redis: what one test leaves there is no concern of the next."""
    _redis_client.flushdb()
    return _redis_client
