"""Reads files that are written here: what the tests of the pure part of imports begin with."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ingest.core.imports.inspection import Inspection, inspect
from ingest.core.imports.options import Kind, parse_options
from ingest.core.imports.records import Record, read_records
from ingest.core.imports.rows import Converter, Rejected, Row

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def look(
    data: bytes,
    kind: Kind = "events",
    *,
    mapping: Mapping[str, str] | None = None,
    time_zone: str = "UTC",
    **options: Any,
) -> Inspection:
    return inspect(
        io.BytesIO(data),
        kind,
        parse_options(options),
        mapping=mapping,
        time_zone=time_zone,
        all_utf8=is_utf8(data),
        now=NOW,
    )


def records(data: bytes, kind: Kind = "events", **options: Any) -> list[Record]:
    layout = look(data, kind, **options).layout
    return list(read_records(io.BytesIO(data), layout, offset=layout.start, line=layout.start_line))


def rows(data: bytes, kind: Kind = "events", **options: Any) -> list[Row | Rejected]:
    layout = look(data, kind, **options).layout
    converter = Converter(layout, now=NOW)
    found = read_records(io.BytesIO(data), layout, offset=layout.start, line=layout.start_line)
    return [converter.convert(record) for record in found]


def taken(data: bytes, kind: Kind = "events", **options: Any) -> list[Row]:
    found = rows(data, kind, **options)
    assert all(isinstance(row, Row) for row in found), found
    return [row for row in found if isinstance(row, Row)]


def reasons(data: bytes, kind: Kind = "events", **options: Any) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in rows(data, kind, **options) if isinstance(row, Rejected)]


def written(table: Sequence[Sequence[str]], *, encoding: str = "utf-8", **dialect: Any) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, **dialect).writerows(table)
    return file.getvalue().encode(encoding)
