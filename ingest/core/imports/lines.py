"""The physical lines of a file, one at a time and never more of one than a limit, with the place each one ends at."""

from typing import Protocol


class File(Protocol):
    """What is read: anything opened in binary mode that can be sought in."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...


_CHUNK = 1 << 16


class LineTooLong(Exception):
    """A line that is longer than the limit; the next one read is the one after it."""


class Lines:
    """Reads lines of bytes up to a limit. `offset` and `number` are those of what has been read so far."""

    def __init__(self, file: File, *, terminator: bytes, limit: int, offset: int, number: int) -> None:
        self._file = file
        self._terminator = terminator
        self._limit = limit
        self._plain = terminator == b"\n"  # what `readline` of any file can do, in C
        self._buffer = b""
        self.offset = offset
        self.number = number
        file.seek(offset)

    def go_to(self, offset: int, number: int) -> None:
        """Read on from the beginning of a line that was read before."""
        self.offset, self.number, self._buffer = offset, number, b""
        self._file.seek(offset)

    def read(self) -> bytes:
        """Return the next line with its end, empty at the end of the file; raise `LineTooLong`."""
        more = self._limit + len(self._terminator)
        line = self._file.readline(more) if self._plain else self._split(more)
        self.offset += len(line)
        if line:
            self.number += 1
        if len(line) > self._limit and not line.endswith(self._terminator):
            self._skip()
            raise LineTooLong
        return line

    def _skip(self) -> None:
        while True:
            part = self._file.readline(_CHUNK) if self._plain else self._split(_CHUNK)
            self.offset += len(part)
            if not part or self._ends(part):
                return

    def _ends(self, part: bytes) -> bool:
        return part.endswith(self._terminator) and len(part) % len(self._terminator) == 0

    def _split(self, limit: int) -> bytes:
        """Return what is up to a terminator, found at whole units only, or up to the limit."""
        unit = len(self._terminator)
        limit -= limit % unit
        begin = 0
        while True:
            at = self._buffer.find(self._terminator, begin)
            while at != -1 and at % unit:
                at = self._buffer.find(self._terminator, at + 1)
            if at != -1 and at + unit <= limit:
                return self._take(at + unit)
            if len(self._buffer) >= limit:
                return self._take(limit)
            begin = len(self._buffer) - len(self._buffer) % unit
            part = self._file.read(_CHUNK)
            if not part:
                return self._take(len(self._buffer))
            self._buffer += part

    def _take(self, size: int) -> bytes:
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken
