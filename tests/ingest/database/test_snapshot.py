"""A snapshot: what is read in it is as it was when it began, and nobody who writes has to wait for its end."""

import sqlite3
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from ingest import database
from ingest.database import sqlite
from ingest.models import Project


def names() -> list[str]:
    rows = database.stream_rows(Project.objects.order_by("name"), ("name",), size=2)
    return [name for batch in rows for (name,) in batch]


def create_elsewhere(name: str) -> None:
    """Create a project over a connection of its own."""

    def work() -> None:
        try:
            Project.objects.create(name=name)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_what_is_written_meanwhile_is_not_seen_until_the_end() -> None:
    Project.objects.create(name="a")

    with database.snapshot():
        before = names()
        create_elsewhere("b")
        during = names()

    assert (before, during, names()) == (["a"], ["a"], ["a", "b"])


@pytest.mark.django_db(transaction=True)
def test_one_that_is_left_half_way_leaves_nothing_open() -> None:
    for name in "abcde":
        Project.objects.create(name=name)

    def reading() -> Generator[str]:
        with database.snapshot():
            for batch in database.stream_rows(Project.objects.order_by("name"), ("name",), size=2):
                yield from (name for (name,) in batch)

    reader = reading()
    assert next(reader) == "a"
    reader.close()

    assert not connection.in_atomic_block
    assert Project.objects.count() == 5


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_streamed_rows_are_all_the_rows_in_order(count: int) -> None:
    for number in range(count):
        Project.objects.create(name=f"{number}")

    assert names() == [f"{number}" for number in range(count)]
    assert list(database.stream_rows(Project.objects.none(), ("name",))) == []


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseWrapper]:
    """Let the engine for SQLite work on a file, as it does outside of tests."""
    file = tmp_path / "test.sqlite3"
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE item (name TEXT)")
        other.execute("INSERT INTO item VALUES ('a')")
    options = {"transaction_mode": "IMMEDIATE", "timeout": 1}
    own = DatabaseWrapper(
        {
            **connections["default"].settings_dict,
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(file),
            "OPTIONS": options,
            "AUTOCOMMIT": True,
        },
        alias="file",
    )
    monkeypatch.setattr(sqlite, "connection", own)
    yield own
    own.close()


@pytest.mark.django_db
def test_on_sqlite_what_is_written_meanwhile_is_not_seen_and_the_writer_does_not_wait(own: DatabaseWrapper) -> None:
    def count() -> int:
        with own.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM item")
            return int(cursor.fetchone()[0])

    with sqlite.snapshot():
        before = count()
        with sqlite3.connect(own.settings_dict["NAME"], timeout=0) as other:
            other.execute("INSERT INTO item VALUES ('b')")
        during = count()

    assert (before, during, count()) == (1, 1, 2)
