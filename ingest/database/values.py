"""Python values as the columns of a table want them."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, models

Convert = Callable[[Any], Any]


def json_text(value: object) -> str:
    """Return a value as compact JSON text."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # whole numbers beyond 64 bits, as which PostgreSQL gives 1e30 back
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_MANY_DIGITS = re.compile(r"\d{19}")


def json_value(text: str) -> Any:
    """Return what a JSON text says, exactly as the `json` module would.

    orjson is several times as fast, but makes floats of whole numbers beyond 64 bits and refuses lone surrogates.
    """
    if text == "{}":
        return {}
    if _MANY_DIGITS.search(text) is None:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return json.loads(text)


@lru_cache(maxsize=256)
def column_names(model: type[models.Model], fields: tuple[str, ...]) -> list[str]:
    """Return the quoted column names of a model's fields."""
    return [connection.ops.quote_name(str(_concrete(model, field).column)) for field in fields]


@lru_cache(maxsize=256)
def column_types(model: type[models.Model], fields: tuple[str, ...]) -> list[str]:
    """Return what the database calls the types of a model's fields."""
    return [str(_concrete(model, field).db_type(connection)) for field in fields]


@lru_cache(maxsize=256)
def kinds(model: type[models.Model], fields: tuple[str, ...]) -> list[str]:
    """Return what each of a model's fields holds, such as `UUIDField`; of a foreign key, what it refers to holds."""
    return [_kind(_concrete(model, field)) for field in fields]


def selection(
    model: type[models.Model],
    fields: tuple[str, ...],
    where: Mapping[str, Any],
    converters: Mapping[str, Convert],
) -> tuple[str, list[Any]]:
    """Return the SQL and the parameters that read `fields` of the rows where each field of `where` has its value.

    A value that is a list, tuple or set means any of its members.
    """
    conditions, parameters = [], []
    for name, wanted in where.items():
        (column,), (kind,) = column_names(model, (name,)), kinds(model, (name,))
        convert = converters.get(kind)
        members = list(wanted) if isinstance(wanted, list | tuple | set | frozenset) else None
        conditions.append(f"{column} = %s" if members is None else f"{column} IN ({', '.join(['%s'] * len(members))})")
        values = [wanted] if members is None else members
        parameters += values if convert is None else [convert(value) for value in values]
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(column_names(model, fields))
    return f"SELECT {columns} FROM {table} WHERE {' AND '.join(conditions)}", parameters  # noqa: S608  (names from models)


def converted(
    model: type[models.Model],
    fields: tuple[str, ...],
    rows: Iterable[Collection[Any]],
    converters: Mapping[str, Convert],
) -> Iterator[list[Any]]:
    """Yield each row with its values converted by the kind of field; kinds without a converter pass as they are."""
    plan = [converters.get(kind) for kind in kinds(model, fields)]
    for row in rows:
        yield [
            value if convert is None or value is None else convert(value)
            for convert, value in zip(plan, row, strict=True)
        ]


def read(
    model: type[models.Model],
    fields: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    readers: Mapping[str, Convert],
) -> list[tuple[Any, ...]]:
    """Return rows with their values as Python knows them; column by column, which is twice as fast as row by row."""
    if not rows:
        return []
    plan = [readers.get(kind) for kind in kinds(model, fields)]
    columns = [
        column if convert is None else [None if value is None else convert(value) for value in column]
        for convert, column in zip(plan, zip(*rows, strict=True), strict=True)
    ]
    return list(zip(*columns, strict=True))


def read_many(
    model: type[models.Model],
    fields: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    readers: Mapping[str, Convert],
) -> list[tuple[Any, ...]]:
    """Return the same of very many rows, where few leads and few documents stand in many of them.

    Such a value is made once: rows share it, so nobody may change it.
    """
    if not rows:
        return []
    plan = [(readers.get(kind), field) for kind, field in zip(kinds(model, fields), fields, strict=True)]
    columns: list[Sequence[Any]] = []
    for (convert, field), column in zip(plan, zip(*rows, strict=True), strict=True):
        if convert is None:
            columns.append(column)
        elif _repeats(_concrete(model, field)):
            made = {value: None if value is None else convert(value) for value in set(column)}
            columns.append([made[value] for value in column])
        else:
            columns.append([None if value is None else convert(value) for value in column])
    return list(zip(*columns, strict=True))


def _repeats(field: "models.Field[Any, Any]") -> bool:
    """Return whether many rows are likely to hold the same; a one-to-one relation is all but that."""
    if isinstance(field, models.ForeignKey):
        return not field.unique
    return isinstance(field, models.JSONField | models.DecimalField)


def _concrete(model: type[models.Model], field: str) -> "models.Field[Any, Any]":
    found = model._meta.get_field(field)
    if not isinstance(found, models.Field):
        raise TypeError(f"{model.__name__}.{field} is no column")
    return found


def _kind(field: "models.Field[Any, Any]") -> str:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field.get_internal_type()
