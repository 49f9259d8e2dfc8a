"""SQLite: one writer at a time, so a transaction (begun IMMEDIATE by the settings) is all the locking there is."""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID, SafeUUID

from django.db import OperationalError, connection, models
from django.db.models.functions import Cast

from ingest.database import Rows
from ingest.database.values import (
    Convert,
    column_names,
    converted,
    json_text,
    json_value,
    kinds,
    read,
    read_many,
    selection,
)


def _naive_text(moment: datetime) -> str:
    if moment.tzinfo is UTC:
        return str(moment)[:-6]
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def _hex(value: UUID | str) -> str:
    return value.hex if isinstance(value, UUID) else UUID(value).hex


def _decimal_text(value: Decimal) -> str:
    return format(value, "f")


_CENT = Decimal("0.01")
_CONVERTERS: dict[str, Convert] = {
    "UUIDField": _hex,
    "DateTimeField": _naive_text,
    "DecimalField": _decimal_text,
    "JSONField": json_text,
}


_SAFETY = SafeUUID.unknown  # looking a member of an enumeration up takes longer than all the rest


def _uuid(value: str) -> UUID:
    """Return UUID(hex=value), without the checks of what the database is known to hold: half of its time."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", int(value, 16))
    object.__setattr__(made, "is_safe", _SAFETY)
    return made


def _aware(value: datetime | str) -> datetime:
    return datetime.fromisoformat(f"{value}+00:00") if isinstance(value, str) else value.replace(tzinfo=UTC)


@lru_cache(maxsize=65_536)
def _decimal(value: float | str) -> Decimal:
    """Return a decimal with its two places; SQLite keeps a floating-point number of it."""
    return Decimal(str(value)).quantize(_CENT)


_READERS: dict[str, Convert] = {
    "UUIDField": _uuid,
    "DateTimeField": _aware,
    "DecimalField": _decimal,
    "JSONField": json_value,
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


def lock_rows_to_delete(model: type[models.Model], ids: Sequence[UUID]) -> None:
    """Do nothing, for the same reason."""


def select_rows(model: type[models.Model], fields: tuple[str, ...], where: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    sql, parameters = selection(model, fields, where, _CONVERTERS)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return read(model, fields, cursor.fetchall(), _READERS)


def rows_of(
    queryset: "models.QuerySet[Any]", model: type[models.Model], fields: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    # A time as a text: as a column of its type it would go through a parser of Django's, in Python, for each row.
    columns = [
        Cast(field, models.TextField()) if kind == "DateTimeField" else field
        for field, kind in zip(fields, kinds(model, fields), strict=True)
    ]
    sql, parameters = queryset.values_list(*columns).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return read_many(model, fields, cursor.fetchall(), _READERS)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read in a transaction that Django does not know of: its own would take the lock of writers and hold them up."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def stream_rows(
    queryset: "models.QuerySet[Any]", model: type[models.Model], fields: tuple[str, ...], size: int
) -> Iterator[list[tuple[Any, ...]]]:
    sql, parameters = queryset.values_list(*fields).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(size):
            yield read(model, fields, rows, _READERS)


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
