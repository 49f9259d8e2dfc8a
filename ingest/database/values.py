"""Python values as the columns of a table want them."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
from django.db import connection, models

from ingest.database import Rows

Convert = Callable[[Any], Any]


def json_text(value: object) -> str:
    """Return a value as compact JSON text."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # whole numbers beyond 64 bits, as which PostgreSQL gives 1e30 back
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def column_names(model: type[models.Model], fields: Sequence[str]) -> list[str]:
    """Return the quoted column names of a model's fields."""
    return [connection.ops.quote_name(str(concrete_field(model, field).column)) for field in fields]


def converted(
    model: type[models.Model], fields: Sequence[str], rows: Rows, converters: dict[str, Convert]
) -> Iterator[list[Any]]:
    """Yield each row with its values converted by the kind of field; kinds without a converter pass as they are."""
    plan = [converters.get(_kind(concrete_field(model, field))) for field in fields]
    for row in rows:
        yield [
            value if convert is None or value is None else convert(value)
            for convert, value in zip(plan, row, strict=True)
        ]


def concrete_field(model: type[models.Model], field: str) -> "models.Field[Any, Any]":
    found = model._meta.get_field(field)
    if not isinstance(found, models.Field):
        raise TypeError(f"{model.__name__}.{field} is no column")
    return found


def _kind(field: "models.Field[Any, Any]") -> str:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field.get_internal_type()
