"""The side of the leash that is held: see `leash.py`."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence

from leadscore.running import leash


class Guard:
    """Lets programs live only as long as this process: those it started are killed when this process is."""

    def __init__(self) -> None:
        reading, self.pipe = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - a fixed command
            [sys.executable, "-I", "-S", leash.__file__, "guard", str(reading)],
            pass_fds=[reading],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        os.close(reading)

    def leashed(self, command: Sequence[str]) -> list[str]:
        """Return the command line to start instead: with `pipe` passed on, and in a session of its own."""
        return [sys.executable, "-I", "-S", leash.__file__, "wear", str(self.pipe), *command]

    def release(self, group: int) -> None:
        """Forget a process group that has ended."""
        with contextlib.suppress(BrokenPipeError):  # somebody killed the guard; the children are still ours to end
            os.write(self.pipe, f"-{group}\n".encode())

    def close(self) -> None:
        """Let the guard go; it kills what was not released."""
        os.close(self.pipe)
        self._process.wait()
