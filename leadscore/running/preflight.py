"""What is checked before anything starts, so that a mistake is one sentence and not a crash half-way."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import redis
from django.db import Error as DatabaseError
from django.db import connection

from leadscore import broker
from leadscore.running.errors import CannotRun

SECONDS_TO_CONNECT = 3


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home for this process. The lock is the kernel's, so it ends with the process, however it ends."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(exist_ok=True)
        file = (home / "up.lock").open("a+")
    except OSError as error:
        raise CannotRun(
            f"LEADSCORE_HOME {home} cannot be written ({error.strerror}): make it writable or set LEADSCORE_HOME."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise CannotRun(
                f"LeadScore is already running in {home} (process {file.read().strip() or 'unknown'}): "
                "end it first, or set another LEADSCORE_HOME and PORT."
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def check_port(port: int) -> None:
    """Raise `CannotRun` unless the port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise CannotRun(f"PORT {port} may not be used by this user: set PORT to one above 1023.") from error
        except OSError as error:
            raise CannotRun(f"PORT {port} is in use: end what uses it or set PORT to another one.") from error


def check_database() -> None:
    """Raise `CannotRun` unless the database answers."""
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise CannotRun(f"The database of DATABASE_URL cannot be used: {_first_line(error)}.") from error
    finally:
        connection.close()


def check_redis(url: str) -> None:
    """Raise `CannotRun` unless the Redis at `url` answers."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=SECONDS_TO_CONNECT, socket_timeout=3) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise CannotRun(f"The Redis of REDIS_URL cannot be reached: {_first_line(error)}.") from error


def check_broker(url: str) -> None:
    """Raise `CannotRun` unless the broker at `url` answers."""
    if trouble := broker.trouble(url, seconds=SECONDS_TO_CONNECT):
        raise CannotRun(f"The broker of BROKER_URL cannot be reached: {trouble}.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
