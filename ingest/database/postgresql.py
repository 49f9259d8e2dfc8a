"""PostgreSQL: row locks, COPY where many rows are inserted, and an array a column where some may be there already."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, models, transaction
from psycopg import errors

from ingest.database import Rows
from ingest.database.values import (
    Convert,
    column_names,
    column_types,
    converted,
    json_text,
    json_value,
    read,
    read_many,
    selection,
)

_CONVERTERS: dict[str, Convert] = {"JSONField": json_text}
_READERS: dict[str, Convert] = {"JSONField": json_value}
_COPY_FROM_ROWS = 20


def turn_to_write() -> AbstractContextManager[None]:
    return nullcontext()


def lock_rows(model: type[models.Model], ids: Sequence[UUID]) -> None:
    # NO KEY UPDATE: it excludes other lockers but lets rows that refer to these be inserted meanwhile, so scoring a
    # lead never makes the web wait.
    list(model._default_manager.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))


def lock_rows_to_delete(model: type[models.Model], ids: Sequence[UUID]) -> None:
    list(model._default_manager.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))


def select_rows(model: type[models.Model], fields: tuple[str, ...], where: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    sql, parameters = selection(model, fields, where, _CONVERTERS)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return read(model, fields, cursor.fetchall(), _READERS)


def rows_of(
    queryset: "models.QuerySet[Any]", model: type[models.Model], fields: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    sql, parameters = queryset.values_list(*fields).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return read_many(model, fields, cursor.fetchall(), _READERS)


@contextmanager
def snapshot() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def stream_rows(
    queryset: "models.QuerySet[Any]", model: type[models.Model], fields: tuple[str, ...], size: int
) -> Iterator[list[tuple[Any, ...]]]:
    sql, parameters = queryset.values_list(*fields).query.sql_with_params()
    # A cursor on the server: psycopg's ordinary one fetches the whole result before it gives the first row.
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(size):
            yield read(model, fields, rows, _READERS)


def insert_rows(model: type[models.Model], fields: tuple[str, ...], rows: Rows) -> None:
    if len(rows) < _COPY_FROM_ROWS:
        _insert(model, fields, rows, "")
    else:
        _copy(model, fields, rows)


def upsert_rows(
    model: type[models.Model],
    fields: tuple[str, ...],
    rows: Rows,
    unique: tuple[str, ...],
    update: tuple[str, ...],
) -> None:
    changes = ", ".join(f"{name} = excluded.{name}" for name in column_names(model, update))
    _insert(model, fields, rows, f" ON CONFLICT ({', '.join(column_names(model, unique))}) DO UPDATE SET {changes}")


def insert_missing_rows(
    model: type[models.Model], fields: tuple[str, ...], rows: Rows, unique: tuple[str, ...]
) -> None:
    _insert(model, fields, rows, f" ON CONFLICT ({', '.join(column_names(model, unique))}) DO NOTHING")


def is_transient(error: OperationalError) -> bool:
    return isinstance(error.__cause__, errors.DeadlockDetected | errors.SerializationFailure | errors.LockNotAvailable)


def _insert(model: type[models.Model], fields: tuple[str, ...], rows: Rows, on_conflict: str) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(column_names(model, fields))
    # An array a column: the statement is the same whatever the number of rows, and has no limit of parameters.
    arrays = ", ".join(f"%s::{kind}[]" for kind in column_types(model, fields))
    values = [list(column) for column in zip(*converted(model, fields, rows, _CONVERTERS), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}){on_conflict}", values)  # noqa: S608


def _copy(model: type[models.Model], fields: tuple[str, ...], rows: Rows) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(column_names(model, fields))
    # COPY is psycopg's own; its errors must be Django's too, or a unit of work is not run again after a conflict.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for row in converted(model, fields, rows, _CONVERTERS):
            copy.write_row(row)
