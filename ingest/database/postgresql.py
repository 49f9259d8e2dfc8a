"""PostgreSQL: row locks, COPY where many rows are inserted, and one array a column where rows may be there already."""

from collections.abc import Sequence
from uuid import UUID

from django.db import OperationalError, connection, models
from psycopg import errors

from ingest.database import Rows
from ingest.database.values import Convert, column_names, concrete_field, converted, json_text

_CONVERTERS: dict[str, Convert] = {"JSONField": json_text}
_COPY_FROM_ROWS = 20


def lock_rows(model: type[models.Model], ids: Sequence[UUID]) -> None:
    # NO KEY UPDATE: it excludes other lockers but lets rows that refer to these be inserted meanwhile, so scoring a
    # lead never makes the web wait.
    list(model._default_manager.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))


def insert_rows(model: type[models.Model], fields: Sequence[str], rows: Rows) -> None:
    if len(rows) < _COPY_FROM_ROWS:
        _insert(model, fields, rows, "")
    else:
        _copy(model, fields, rows)


def upsert_rows(
    model: type[models.Model],
    fields: Sequence[str],
    rows: Rows,
    unique: Sequence[str],
    update: Sequence[str],
) -> None:
    changes = ", ".join(f"{name} = excluded.{name}" for name in column_names(model, update))
    _insert(model, fields, rows, f" ON CONFLICT ({', '.join(column_names(model, unique))}) DO UPDATE SET {changes}")


def insert_missing_rows(model: type[models.Model], fields: Sequence[str], rows: Rows, unique: Sequence[str]) -> None:
    _insert(model, fields, rows, f" ON CONFLICT ({', '.join(column_names(model, unique))}) DO NOTHING")


def is_transient(error: OperationalError) -> bool:
    return isinstance(error.__cause__, errors.DeadlockDetected | errors.SerializationFailure | errors.LockNotAvailable)


def _insert(model: type[models.Model], fields: Sequence[str], rows: Rows, on_conflict: str) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(column_names(model, fields))
    # An array a column: the statement is the same whatever the number of rows, and has no limit of parameters.
    arrays = ", ".join(f"%s::{concrete_field(model, field).db_type(connection)}[]" for field in fields)
    values = [list(column) for column in zip(*converted(model, fields, rows, _CONVERTERS), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}){on_conflict}", values)  # noqa: S608


def _copy(model: type[models.Model], fields: Sequence[str], rows: Rows) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(column_names(model, fields))
    with (
        connection.wrap_database_errors,  # the cursor does so for statements, but not for COPY
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for row in converted(model, fields, rows, _CONVERTERS):
            copy.write_row(row)
