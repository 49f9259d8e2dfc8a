"""Load while things break: every 202 is scored afterwards, once. Each test is bounded in events and time."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.installation import ROOT, System, running

pytestmark = pytest.mark.system

EVENTS = 3_000


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running(tmp_path / "home") as system:
        system.wait_until_ready()
        yield system


def workload(system: System) -> subprocess.Popen[str]:
    """Start the workload W1; it ends with 0 if every lead has the score that what was sent must give."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "bench.w1", "--demo", str(system.home / "demo.json")),
            *("--events", str(EVENTS), "--leads", "300", "--clients", "3", "--probe-seconds", "0"),
            *("--patience", "120"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def assert_all_right(load: subprocess.Popen[str]) -> None:
    output, _ = load.communicate(timeout=240)
    assert load.returncode == 0, output


def test_killing_the_lead_worker_loses_and_doubles_nothing(system: System) -> None:
    load = workload(system)
    for _ in range(3):
        time.sleep(1.5)
        for process in system.children("-Q leads.0"):
            process.send_signal(signal.SIGKILL)
    assert_all_right(load)


def test_a_redis_that_stands_still_delays_scores_and_loses_none(system: System) -> None:
    load = workload(system)
    time.sleep(1)
    servers = system.children("redis-server")
    assert servers
    for process in servers:
        process.send_signal(signal.SIGSTOP)
    time.sleep(10)
    for process in servers:
        process.send_signal(signal.SIGCONT)
    assert_all_right(load)


def test_a_redis_that_is_killed_delays_scores_and_loses_none(system: System) -> None:
    load = workload(system)
    for _ in range(2):
        time.sleep(2)
        for process in system.children("redis-server"):
            process.send_signal(signal.SIGKILL)
    assert_all_right(load)
