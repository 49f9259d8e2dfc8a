"""Keeps a promise no signal handler can: when `manage.py up` dies, even by `kill -9`, its children die too.

A guard in a session of its own reads a pipe whose only lasting writer is `up`. Every child announces its process group
on that pipe before it becomes its program, so there is no moment at which it could be lost. When the pipe closes,
whatever is still announced is killed. Run as a plain script with `-I -S`: it must start in milliseconds.
"""

import os
import signal
import sys


def guard(pipe: int) -> None:
    """Read `+group` and `-group` lines until the pipe closes, then kill the groups that are left."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    groups: set[int] = set()
    with os.fdopen(pipe) as lines:
        for line in lines:
            group = int(line[1:])
            if line[0] == "+":
                groups.add(group)
            else:
                groups.discard(group)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue  # it ended first


def wear(pipe: int, command: list[str]) -> None:
    """Announce this process, the leader of its own group, and become `command`."""
    os.write(pipe, f"+{os.getpid()}\n".encode())
    os.close(pipe)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command lines stand in processes.py
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    if sys.argv[1] == "guard":
        guard(int(sys.argv[2]))
    else:
        wear(int(sys.argv[2]), sys.argv[3:])
