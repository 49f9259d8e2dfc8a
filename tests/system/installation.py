"""A running system as its users have it: `manage.py up` in a home of its own, on a port of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 90
SECONDS_TO_END = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(what: str, condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait for a condition; fail with `what` if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class System:
    """One `manage.py up`, started and not yet ended."""

    def __init__(
        self, home: Path, port: int, *, output: IO[str], environment: Mapping[str, str], directory: Path
    ) -> None:
        self.home = home
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._output = output
        self._seen: dict[int, psutil.Process] = {}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up"],
            cwd=directory,
            env=surroundings(home, port) | dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # As from a terminal, also where the tests themselves were started with `nohup`.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509  (there are no threads yet)
        )

    def wait_until_ready(self) -> None:
        eventually(f"ready:\n{self.output()}", self._ready, seconds=SECONDS_TO_START)
        self.processes()

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.output()
        return (self.home / "demo.json").exists() and "Ctrl-C" in self.output()

    def output(self) -> str:
        return Path(self._output.name).read_text()

    def processes(self) -> list[psutil.Process]:
        """Return everything that belongs to this system now: each carries the home in its environment."""
        found = _running_in(self.home)
        self._seen |= {process.pid: process for process in found}
        return found

    def children(self, words: str) -> list[psutil.Process]:
        """Return the processes whose command line contains `words`, oldest first."""
        found = [process for process in self.processes() if words in _command_of(process)]
        return sorted(found, key=lambda process: process.pid)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10, trust_env=False)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self.processes()
        self.process.send_signal(number)
        return self.process.wait(SECONDS_TO_END)

    def assert_nothing_is_left(self) -> None:
        """Fail unless every process, the port and the socket are gone."""
        assert [process for process in self._seen.values() if _lives(process)] == []
        assert self.processes() == []
        assert not (self.home / "redis.sock").exists()
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", self.port)) != 0


def _running_in(home: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _home_of(process) == str(home)]


def _home_of(process: psutil.Process) -> str | None:
    try:
        environment: dict[str, str] = process.environ()
    except psutil.Error:
        return None
    return environment.get("LEADSCORE_HOME")


def _command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _lives(process: psutil.Process) -> bool:
    # A zombie has ended; that nobody has read its exit code is its new parent's affair.
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


def surroundings(home: Path, port: int) -> dict[str, str]:
    """Return the environment of a first run: none of the variables of the tests themselves."""
    ours = {"DATABASE_URL", "REDIS_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE", "LEAD_QUEUES", "WORKERS", "PUBLIC_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"LEADSCORE_HOME": str(home), "PORT": str(port)}


@contextlib.contextmanager
def running(
    home: Path, *, port: int | None = None, environment: Mapping[str, str] | None = None, directory: Path = ROOT
) -> Iterator[System]:
    """Start a system, and see to it that it has ended when the block is left."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.output").open("w") as output:
        system = System(home, port or free_port(), output=output, environment=environment or {}, directory=directory)
        try:
            yield system
        finally:
            if system.process.poll() is None:
                system.process.terminate()
                try:
                    system.process.wait(SECONDS_TO_END)
                except subprocess.TimeoutExpired:
                    system.process.kill()
                    system.process.wait()


def refused(home: Path, *, environment: Mapping[str, str] | None = None, port: int | None = None) -> str:
    """Run a system that is expected not to start; return what it wrote to standard error."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=surroundings(home, port or free_port()) | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert not _running_in(home) or "already running" in done.stderr
    return done.stderr
