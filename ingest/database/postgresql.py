"""PostgreSQL: row locks, and COPY where many rows are written (8 to 40 times as fast as one INSERT a row)."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

import orjson
from django.db import OperationalError, connection, models
from psycopg import errors

from ingest.database import Rows
from ingest.database.values import Convert, column_names, converted, json_text, selection

_CONVERTERS: dict[str, Convert] = {"JSONField": json_text}
_READERS: dict[str, Convert] = {"JSONField": orjson.loads}
_COPY_FROM_ROWS = 20
_STAGING = "leadscore_rows"


def turn_to_write() -> AbstractContextManager[None]:
    return nullcontext()


def lock_rows(model: type[models.Model], ids: Sequence[UUID]) -> None:
    # NO KEY UPDATE: it excludes other lockers but lets rows that refer to these be inserted meanwhile, so scoring a
    # lead never makes the web wait.
    list(model._default_manager.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))


def select_rows(model: type[models.Model], fields: tuple[str, ...], where: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    sql, parameters = selection(model, fields, where, _CONVERTERS)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [tuple(row) for row in converted(model, fields, cursor.fetchall(), _READERS)]


def insert_rows(model: type[models.Model], fields: tuple[str, ...], rows: Rows) -> None:
    if len(rows) < _COPY_FROM_ROWS:
        _insert(model, fields, rows, "")
    else:
        _copy(model._meta.db_table, model, fields, rows)


def upsert_rows(
    model: type[models.Model],
    fields: tuple[str, ...],
    rows: Rows,
    unique: tuple[str, ...],
    update: tuple[str, ...],
) -> None:
    changes = ", ".join(f"{name} = excluded.{name}" for name in column_names(model, update))
    _merge(model, fields, rows, f"({', '.join(column_names(model, unique))}) DO UPDATE SET {changes}")


def insert_missing_rows(
    model: type[models.Model], fields: tuple[str, ...], rows: Rows, unique: tuple[str, ...]
) -> None:
    _merge(model, fields, rows, f"({', '.join(column_names(model, unique))}) DO NOTHING")


def is_transient(error: OperationalError) -> bool:
    return isinstance(error.__cause__, errors.DeadlockDetected | errors.SerializationFailure | errors.LockNotAvailable)


def _merge(model: type[models.Model], fields: tuple[str, ...], rows: Rows, on_conflict: str) -> None:
    if len(rows) < _COPY_FROM_ROWS:
        _insert(model, fields, rows, f" ON CONFLICT {on_conflict}")
        return
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(column_names(model, fields))
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {_STAGING} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"  # noqa: S608
        )
        _copy(_STAGING, model, fields, rows)
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {_STAGING} ON CONFLICT {on_conflict}"  # noqa: S608
        )
        cursor.execute(f"DROP TABLE {_STAGING}")


def _insert(model: type[models.Model], fields: tuple[str, ...], rows: Rows, on_conflict: str) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(column_names(model, fields))
    places = ", ".join(["(" + ", ".join(["%s"] * len(fields)) + ")"] * len(rows))
    values = [value for row in converted(model, fields, rows, _CONVERTERS) for value in row]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES {places}{on_conflict}", values)  # noqa: S608


def _copy(table: str, model: type[models.Model], fields: tuple[str, ...], rows: Rows) -> None:
    columns = ", ".join(column_names(model, fields))
    # COPY is psycopg's own; its errors must be Django's too, or a unit of work is not run again after a conflict.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {connection.ops.quote_name(table)} ({columns}) FROM STDIN") as copy,
    ):
        for row in converted(model, fields, rows, _CONVERTERS):
            copy.write_row(row)
