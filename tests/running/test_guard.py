"""The leash: what is started on it does not outlive whoever holds it."""

import os
import subprocess
import sys

from leadscore.running.guard import Guard

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def leashed(guard: Guard, command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        guard.leashed(command), pass_fds=[guard.pipe], start_new_session=True, stdout=subprocess.PIPE, text=True
    )


def test_letting_go_kills_what_was_not_released() -> None:
    guard = Guard()
    with leashed(guard, SLEEP) as sleeper:
        assert sleeper.stdout
        assert sleeper.stdout.readline() == "up\n"
        guard.close()
        assert sleeper.wait(10) == -9


def test_the_children_of_a_child_are_killed_with_it() -> None:
    guard = Guard()
    script = f"import subprocess, sys; subprocess.run({SLEEP!r})"
    with leashed(guard, [sys.executable, "-c", script]) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "up\n"
        guard.close()
        assert parent.stdout.read() == ""  # the end of the output: nobody is left who could write


def test_what_was_released_is_left_alone() -> None:
    guard = Guard()
    with leashed(guard, [sys.executable, "-c", "input()"]) as child:
        guard.release(child.pid)
        child.wait(10)
    guard.close()


def test_a_command_that_does_not_exist_says_so() -> None:
    guard = Guard()
    with leashed(guard, ["/no/such/program"]) as child:
        assert child.wait(10) == 1
    guard.close()
    assert not os.path.lexists(f"/proc/{child.pid}")
