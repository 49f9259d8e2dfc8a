"""Where the words of the children go: to the console under their name, and to one size-rotated file each."""

import sys
from collections import deque
from logging import INFO, LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES = 5_000_000
FILES_KEPT = 3
LINES_REMEMBERED = 20


def say(line: str) -> None:
    """Write a line to the console; a console that went away is no reason to stop."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = sys.stderr = Path("/dev/null").open("w")  # noqa: SIM115 - for as long as the process lives


class Log:
    """The output of one child."""

    def __init__(self, name: str, *, directory: Path, on_console: bool) -> None:
        self._name = name
        self._on_console = on_console
        # Only its opening, writing and rotation are used: the children's lines are already formatted.
        self._file = RotatingFileHandler(
            directory / f"{name}.log",
            maxBytes=FILE_BYTES,
            backupCount=FILES_KEPT,
            delay=True,
            encoding="utf-8",
        )
        self._last: deque[str] = deque(maxlen=LINES_REMEMBERED)

    def add(self, line: str) -> None:
        """Write one line to the file and, unless it is too chatty, the console; remember it for a while."""
        self._last.append(line)
        self._file.handle(self._record(line))
        if self._on_console:
            say(f"{self._name:<10} | {line}")

    def leave_console(self) -> None:
        """From now on write to the file only."""
        self._on_console = False

    def last_lines(self) -> list[str]:
        """Return the newest lines, oldest first."""
        return list(self._last)

    def close(self) -> None:
        self._file.close()

    def _record(self, line: str) -> LogRecord:
        return LogRecord(self._name, INFO, "", 0, line, None, None)
