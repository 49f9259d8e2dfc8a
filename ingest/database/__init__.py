"""The few things database engines do differently, behind one interface.

Everything else in LeadScore uses Django's ORM and does not know which database it runs on. To support another
engine, write a module here with the functions of `Engine` and name it in `_ENGINES`.
"""

import importlib
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, OperationalError, connection, models, transaction

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)
Rows = Sequence[Sequence[Any]]

_ENGINES = {"sqlite": "ingest.database.sqlite", "postgresql": "ingest.database.postgresql"}
_ATTEMPTS = 12


class Engine(Protocol):
    """What a database engine must be able to do."""

    def turn_to_write(self) -> AbstractContextManager[None]:
        """Wait for one's turn, where writers must take turns, and hold it."""

    def lock_rows(self, model: type[models.Model], ids: Sequence[UUID]) -> None:
        """Hold these rows, given in sorted order, until the unit of work ends."""

    def lock_rows_to_delete(self, model: type[models.Model], ids: Sequence[UUID]) -> None:
        """Hold these rows, given in sorted order, and let nobody refer to them, until the unit of work ends."""

    def select_rows(
        self, model: type[models.Model], fields: tuple[str, ...], where: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Return `fields` of the rows where each field of `where` has its value, or one of its values."""

    def rows_of(
        self, queryset: "models.QuerySet[Any]", model: type[models.Model], fields: tuple[str, ...]
    ) -> list[tuple[Any, ...]]:
        """Return `fields` of the rows of a query of this model."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Let everything that is read meanwhile be as it is at one moment; outside of any transaction."""

    def stream_rows(
        self, queryset: "models.QuerySet[Any]", model: type[models.Model], fields: tuple[str, ...], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield `fields` of the rows of a query of this model, so many at a time, without holding them all."""

    def insert_rows(self, model: type[models.Model], fields: tuple[str, ...], rows: Rows) -> None:
        """Insert rows of Python values in one statement; raise `IntegrityError` if one exists already."""

    def upsert_rows(
        self,
        model: type[models.Model],
        fields: tuple[str, ...],
        rows: Rows,
        unique: tuple[str, ...],
        update: tuple[str, ...],
    ) -> None:
        """Insert rows in one statement; where `unique` is taken, update the fields `update` instead."""

    def insert_missing_rows(
        self, model: type[models.Model], fields: tuple[str, ...], rows: Rows, unique: tuple[str, ...]
    ) -> None:
        """Insert rows in one statement, leaving out those whose `unique` is taken."""

    def is_transient(self, error: OperationalError) -> bool:
        """Return whether the same work may succeed when it is tried again (a deadlock, a busy database)."""


class Overtaken(IntegrityError):
    """Somebody else changed what this unit of work had decided on: it is undone, and looks again."""


def _engine() -> Engine:
    return cast("Engine", importlib.import_module(_ENGINES[connection.vendor]))


def unit_of_work(work: Callable[[], T]) -> T:
    """Run `work` in a transaction and return its result; all of it is committed, or nothing.

    When a concurrent writer got there first (a unique constraint, a deadlock) the whole of `work` is run again on
    what is there now. So `work` must read what it decides on, and must have no effect outside the database but
    through `on_commit`.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with _engine().turn_to_write(), transaction.atomic():
                return work()
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
        except OperationalError as error:
            if attempt == _ATTEMPTS - 1 or not _engine().is_transient(error):
                raise
        time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311  (spreads contenders; nothing secret)
    raise AssertionError("unreachable")  # pragma: no cover


def on_commit(effect: Callable[[], None]) -> None:
    """Run `effect` once the unit of work has been committed, and not at all if it is not."""
    transaction.on_commit(effect)


def lock_rows(model: type[models.Model], ids: Iterable[UUID]) -> None:
    """Hold the rows with these ids until the unit of work ends.

    Always the same order, and once per unit of work: that is what keeps two of them from waiting for each other.
    """
    ordered = sorted(set(ids))
    if ordered:
        _engine().lock_rows(model, ordered)


def lock_rows_to_delete(model: type[models.Model], ids: Iterable[UUID]) -> None:
    """Hold the rows with these ids until the unit of work ends, which deletes them.

    Whoever inserts a row that refers to one of them waits, and then finds that it is gone.
    """
    ordered = sorted(set(ids))
    if ordered:
        _engine().lock_rows_to_delete(model, ordered)


def select_rows(model: type[models.Model], fields: tuple[str, ...], where: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return `fields` of the rows where each field of `where` has its value, or one of those in a list or set.

    For the few reads that every request makes: building the same query through the ORM takes several times as long as
    the database needs to answer it. Never call it with an empty list.
    """
    return _engine().select_rows(model, fields, where)


def rows_of(queryset: "models.QuerySet[M]", fields: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Return `fields`, all of them the model's own, of the rows of a query: `values_list`, for reads of very many rows.

    Values are made column by column, without what the ORM does for each; a log is read several times as fast.
    """
    try:
        return _engine().rows_of(queryset, queryset.model, fields)
    except EmptyResultSet:
        return []


@contextmanager
def snapshot() -> Iterator[None]:
    """Let everything that is read meanwhile be as it is at one moment, whoever writes; nothing may be written.

    Inside a transaction it is as consistent as that one is. The database keeps what is deleted or changed until the
    end, so it is for reads of a few minutes.
    """
    if connection.in_atomic_block:
        yield
    else:
        with _engine().snapshot():
            yield


def stream_rows(
    queryset: "models.QuerySet[M]", fields: tuple[str, ...], *, size: int = 2_000
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what `rows_of` returns in batches, in the query's order; memory does not grow with the number of rows."""
    try:
        yield from _engine().stream_rows(queryset, queryset.model, fields, size)
    except EmptyResultSet:
        return


def insert_rows(model: type[models.Model], fields: tuple[str, ...], rows: Rows) -> None:
    """Insert rows, given as values of `fields`; raise `IntegrityError` if one exists already."""
    if rows:
        _engine().insert_rows(model, fields, rows)


def upsert_rows(
    model: type[models.Model],
    fields: tuple[str, ...],
    rows: Rows,
    *,
    unique: tuple[str, ...],
    update: tuple[str, ...],
) -> None:
    """Insert rows; where the `unique` fields are taken, update the fields `update` of the row there instead."""
    if rows:
        _engine().upsert_rows(model, fields, rows, unique, update)


def insert_missing_rows(
    model: type[models.Model], fields: tuple[str, ...], rows: Rows, *, unique: tuple[str, ...]
) -> None:
    """Insert rows, leaving out those whose `unique` fields are taken."""
    if rows:
        _engine().insert_missing_rows(model, fields, rows, unique)
