"""The files of imports on disk, and beside each the digests of its rows, to tell rows apart that say the same."""

import codecs
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings

MEGABYTE = 1024 * 1024


class TooLarge(Exception):
    """A file that is larger than files may be; nothing of it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file on disk, and what had to be found out while it passed by."""

    path: Path
    size: int
    digest: str
    all_utf8: bool


class _Passing:
    """What is found out about a file while its bytes pass by."""

    def __init__(self) -> None:
        self.size = 0
        self.all_utf8 = True
        self._hash = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def see(self, part: bytes, *, final: bool = False) -> None:
        self.size += len(part)
        self._hash.update(part)
        if self.all_utf8:
            try:
                self._decoder.decode(part, final)
            except UnicodeDecodeError:
                self.all_utf8 = False

    def stored(self, path: Path) -> Stored:
        self.see(b"", final=True)
        return Stored(path=path, size=self.size, digest=self._hash.hexdigest(), all_utf8=self.all_utf8)


def store(parts: Iterable[bytes], *, name: UUID, limit: int | None) -> Stored:
    """Write a file part by part; raise `TooLarge` beyond `limit` bytes."""
    directory = settings.IMPORT_DIRECTORY
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path: Path = directory / str(name)
    passing = _Passing()
    try:
        with path.open("xb") as file:
            for part in parts:
                passing.see(part)
                if limit is not None and passing.size > limit:
                    raise TooLarge  # noqa: TRY301  (what was written so far goes)
                file.write(part)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return passing.stored(path)


def look_over(path: Path) -> Stored:
    """Read a file once, to know what `store` would know of it."""
    passing = _Passing()
    with path.open("rb") as file:
        for part in parts_of(file):
            passing.see(part)
    return passing.stored(path.absolute())


def parts_of(file: BinaryIO) -> Iterable[bytes]:
    """Yield what an open file holds."""
    while part := file.read(MEGABYTE):
        yield part


def delete(name: UUID) -> None:
    """Delete what is kept of an import's file and its digests."""
    for path in settings.IMPORT_DIRECTORY.glob(f"{name}*"):
        path.unlink(missing_ok=True)


class Repeats:
    """Counts how often a row's content has stood in the file before it, in a file of its own: memory stays flat.

    Noting the same rows again changes nothing, so it may be ahead of what is stored; losing it costs reading the file
    again up to where the import is.
    """

    def __init__(self, name: UUID) -> None:
        settings.IMPORT_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._database = sqlite3.connect(settings.IMPORT_DIRECTORY / f"{name}.rows", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-32768", "busy_timeout=30000"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS seen (digest BLOB, line INTEGER, PRIMARY KEY (digest, line)) WITHOUT ROWID"
        )

    @property
    def up_to(self) -> int:
        """Return the line up to which rows have been noted."""
        return int(self._database.execute("PRAGMA user_version").fetchone()[0])

    def count(self, rows: Sequence[tuple[bytes, int]], *, up_to: int) -> list[int]:
        """Note rows, given as (digest, line) in their order, and return how many of each one's content came before."""
        before: Counter[bytes] = Counter()
        if rows:
            marks = ",".join("?" * len(rows))
            before.update(
                dict(
                    self._database.execute(
                        f"SELECT digest, count(*) FROM seen WHERE digest IN ({marks}) AND line < ? GROUP BY digest",  # noqa: S608
                        [*(digest[:16] for digest, _ in rows), rows[0][1]],
                    )
                )
            )
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(
            "INSERT OR IGNORE INTO seen VALUES (?, ?)", [(digest[:16], line) for digest, line in rows]
        )
        self._database.execute(f"PRAGMA user_version = {max(up_to, self.up_to)}")
        self._database.execute("COMMIT")
        counts = []
        for digest, _ in rows:
            counts.append(before[digest[:16]])
            before[digest[:16]] += 1
        return counts

    def close(self) -> None:
        self._database.close()
