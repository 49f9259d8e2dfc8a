"""Keyset pagination: a page begins after the last row of the one before, however many rows share a value.

A cursor holds the sort values of a row, so a page costs the same at any depth, and rows inserted meanwhile neither
repeat nor hide others.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet

M = TypeVar("M", bound=Model)
T = TypeVar("T")
R = TypeVar("R")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class CursorInvalid(Exception):
    """A cursor that no page of this list has given out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursors of its neighbours (`None` at either end)."""

    rows: Sequence[T]
    next: str | None
    previous: str | None

    def map(self, convert: Callable[[T], R]) -> "Page[R]":
        """Return the page with each row converted."""
        return Page(rows=[convert(row) for row in self.rows], next=self.next, previous=self.previous)


def page_of(queryset: QuerySet[M], *, order: Sequence[str], cursor: str | None, limit: int) -> Page[M]:
    """Return one page of a queryset in `order`: names of columns that are never null, `-` for falling, the last unique.

    Raises `CursorInvalid`. One query, which reads `limit + 1` rows through an index on `order`.
    """
    backwards, values = _decode(cursor, queryset.model, order) if cursor else (False, None)
    direction = [_flipped(name) if backwards else name for name in order]
    if values is not None:
        queryset = queryset.filter(_after(direction, values))
    rows = list(queryset.order_by(*direction)[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    has_next = more if not backwards else bool(cursor)
    has_previous = more if backwards else bool(cursor)
    return Page(
        rows=rows,
        next=_encode(order, rows[-1], backwards=False) if rows and has_next else None,
        previous=_encode(order, rows[0], backwards=True) if rows and has_previous else None,
    )


def _flipped(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _after(direction: Sequence[str], values: Sequence[Any]) -> Q:
    """Return the condition for rows that sort after `values`; the outer bound is what lets an index be used."""
    name, *others = direction
    field, operator = (name[1:], "lt") if name.startswith("-") else (name, "gt")
    if not others:
        return Q(**{f"{field}__{operator}": values[0]})
    return Q(**{f"{field}__{operator}e": values[0]}) & (
        Q(**{f"{field}__{operator}": values[0]}) | _after(others, values[1:])
    )


def _encode(order: Sequence[str], row: Model, *, backwards: bool) -> str:
    return write_cursor([int(backwards), *(_field(type(row), name).value_to_string(row) for name in order)])


def _decode(cursor: str, model: type[Model], order: Sequence[str]) -> tuple[bool, list[Any]]:
    try:
        backwards, *texts = read_cursor(cursor)
        if len(texts) != len(order) or not all(isinstance(text, str) for text in texts):
            raise CursorInvalid
        return bool(backwards), [_value(_field(model, name), text) for name, text in zip(order, texts, strict=True)]
    except (ValueError, ValidationError) as error:
        raise CursorInvalid from error


def _value(field: "Field[Any, Any]", text: str) -> Any:
    """Return a sort value that every database can compare the column with."""
    value = field.to_python(text)
    field.run_validators(value)
    return read_moment(value.isoformat()) if isinstance(value, datetime) else value


def write_cursor(values: Sequence[Any]) -> str:
    """Return JSON values as a cursor: text that needs no escaping in a URL."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> list[Any]:
    """Return the values of a cursor; raise `CursorInvalid`."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise CursorInvalid from error
    if not isinstance(values, list) or not values:
        raise CursorInvalid
    return values


def read_moment(text: str) -> datetime:
    """Return a time that stands in a cursor, in UTC; raise `CursorInvalid`."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise CursorInvalid
        return moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise CursorInvalid from error


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    field = model._meta.get_field(name.removeprefix("-"))
    if not isinstance(field, Field):
        raise TypeError(f"{model.__name__}.{name} is no column")
    return field


def page_of_rows(rows: Sequence[M], *, key: str, newest_first: bool, cursor: str | None, limit: int) -> Page[M]:
    """Return one page of rows that are all at hand, in the order of `key`, with the cursors that `page_of` has."""
    order = [f"-{key}" if newest_first else key]
    backwards, values = _decode(cursor, type(rows[0]), order) if cursor and rows else (False, None)
    ordered = list(reversed(rows)) if newest_first else list(rows)
    begin = 0
    if values is not None:
        place = next((index for index, row in enumerate(ordered) if getattr(row, key) == values[0]), len(ordered))
        begin = max(place - limit, 0) if backwards else place + 1
        ordered = ordered[:place] if backwards else ordered
    page = ordered[begin : begin + limit]
    return Page(
        rows=page,
        next=_encode(order, page[-1], backwards=False)
        if page and (backwards or begin + limit < len(ordered))
        else None,
        previous=_encode(order, page[0], backwards=True) if page and begin > 0 else None,
    )
