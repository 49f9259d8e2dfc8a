"""SQLite: one writer at a time, so a transaction (begun IMMEDIATE by the settings) is all the locking there is."""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.db import OperationalError, connection, models

from ingest.database import Rows
from ingest.database.values import Convert, column_names, converted, json_text, selection


def _naive_text(moment: datetime) -> str:
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def _hex(value: UUID | str) -> str:
    return value.hex if isinstance(value, UUID) else UUID(value).hex


def _decimal_text(value: Decimal) -> str:
    return format(value, "f")


_CONVERTERS: dict[str, Convert] = {
    "UUIDField": _hex,
    "DateTimeField": _naive_text,
    "DecimalField": _decimal_text,
    "JSONField": json_text,
}


_READERS: dict[str, Convert] = {
    "UUIDField": lambda value: UUID(hex=value),
    "DateTimeField": lambda value: datetime.fromisoformat(value).replace(tzinfo=UTC),
    "JSONField": orjson.loads,
    "BooleanField": bool,
}


@contextmanager
def turn_to_write() -> Iterator[None]:
    """Queue up for the one write lock there is.

    SQLite itself lets a writer that finds the database locked sleep and look again, up to a tenth of a second at a
    time, so that under load some wait for seconds while others overtake them. A file lock wakes the next in line at
    once. It is only a courtesy: what writes without it is still kept apart by the database.
    """
    path = connection.settings_dict["NAME"]
    if connection.in_atomic_block or not isinstance(path, str | Path) or not Path(path).is_file():
        yield
        return
    with open(f"{path}-turn", "wb") as file:  # noqa: PTH123  (an open file of one's own is what holds the lock)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lock_rows(model: type[models.Model], ids: Sequence[UUID]) -> None:
    """Do nothing: the IMMEDIATE transaction already keeps every other writer out."""


def select_rows(model: type[models.Model], fields: tuple[str, ...], where: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    sql, parameters = selection(model, fields, where, _CONVERTERS)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [tuple(row) for row in converted(model, fields, cursor.fetchall(), _READERS)]


def insert_rows(model: type[models.Model], fields: tuple[str, ...], rows: Rows) -> None:
    _execute(model, fields, rows, "")


def upsert_rows(
    model: type[models.Model],
    fields: tuple[str, ...],
    rows: Rows,
    unique: tuple[str, ...],
    update: tuple[str, ...],
) -> None:
    changes = ", ".join(f"{name} = excluded.{name}" for name in column_names(model, update))
    _execute(model, fields, rows, f" ON CONFLICT ({', '.join(column_names(model, unique))}) DO UPDATE SET {changes}")


def insert_missing_rows(
    model: type[models.Model], fields: tuple[str, ...], rows: Rows, unique: tuple[str, ...]
) -> None:
    _execute(model, fields, rows, f" ON CONFLICT ({', '.join(column_names(model, unique))}) DO NOTHING")


def is_transient(error: OperationalError) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _execute(model: type[models.Model], fields: tuple[str, ...], rows: Rows, on_conflict: str) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(column_names(model, fields))
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({places}){on_conflict}",  # noqa: S608  (names from models)
            list(converted(model, fields, rows, _CONVERTERS)),
        )
