"""Look at a file before it is imported: how it is written, what its columns mean, and what has to be said first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from itertools import islice
from typing import cast

from ingest.core.events import Problem, Refused
from ingest.core.identity import is_email
from ingest.core.imports.columns import (
    MAX_COLUMNS,
    WHO,
    count_known,
    default_target,
    mapping_problems,
    place_of,
    recognise,
)
from ingest.core.imports.dialects import Dialect, detect_dialect
from ingest.core.imports.encodings import detect_encoding
from ingest.core.imports.layout import Layout
from ingest.core.imports.lines import File
from ingest.core.imports.moments import order_of
from ingest.core.imports.options import Format, ImportOptions, Kind
from ingest.core.imports.records import MAX_RECORD_BYTES, Record, read_records
from ingest.core.imports.rows import Converter, Rejected, Row

SAMPLE_BYTES = 1 << 20
SAMPLE_RECORDS = 2_000
SHOWN_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found: how the file would be read, what its first rows would be, and what has to be said first."""

    layout: Layout
    rows: tuple[Row | Rejected, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def inspect(
    file: File,
    kind: Kind,
    options: ImportOptions,
    *,
    mapping: Mapping[str, str] | None = None,
    time_zone: str,
    all_utf8: bool,
    now: datetime,
) -> Inspection:
    """Look at the first megabyte of a file; raise `Refused` when it cannot be read at all."""
    file.seek(0)
    sample = file.read(SAMPLE_BYTES)
    encoded = detect_encoding(sample, all_utf8=all_utf8, wanted=options.encoding)
    text = _text(sample[encoded.mark :], encoded.name)
    if not text.strip():
        raise _refused("is empty")
    layout = Layout(
        kind=kind,
        format=options.format or _format(text),
        encoding=encoded.name,
        line_end="\r" if "\r" in text and "\n" not in text else "\n",
        dialect=Dialect(),
        columns=(),
        mapping={},
        has_header=True,
        date_order=options.date_order,
        time_zone=options.time_zone or time_zone,
        event_type=options.event_type or "",
        start=encoded.mark,
        start_line=0,
    )
    source = BytesIO(sample)
    layout = _with_table(source, layout, text, options) if layout.format == "csv" else _with_fields(source, layout)
    chosen = {column: target for column, target in (mapping or {}).items() if column}
    problems = mapping_problems(chosen, layout.columns, kind)
    layout = replace(layout, mapping=_mapping(layout, chosen))
    records = list(islice(read_records(source, layout, offset=layout.start, line=layout.start_line), SAMPLE_RECORDS))
    if len(sample) == SAMPLE_BYTES and records and records[-1].end == len(sample):
        records.pop()  # it may go on beyond the sample
    layout, more = _with_date_order(layout, records)
    problems += [*more, *_missing(layout)]
    converter = Converter(layout, now=now)
    return Inspection(
        layout=layout,
        rows=tuple(converter.convert(record) for record in records[:SHOWN_ROWS]),
        problems=tuple(problems),
        notes=_notes(layout, records),
    )


def _text(sample: bytes, encoding: str) -> str:
    return sample.decode(encoding, "replace")


def _format(text: str) -> Format:
    first = text.lstrip()[:1]
    if first == "[":
        raise _refused("is one JSON array. Write JSON Lines: one object a line, without brackets or commas around them")
    return "jsonl" if first == "{" else "csv"


def _with_fields(source: File, layout: Layout) -> Layout:
    fields: dict[str, None] = {}
    for record in islice(read_records(source, layout, offset=layout.start, line=0), SAMPLE_RECORDS):
        if len(fields) < MAX_COLUMNS:
            fields |= dict.fromkeys(record.content)
    if not fields:
        raise _refused("has no JSON object on its first lines. Write one object a line")
    return replace(layout, columns=tuple(fields), has_header=False)


def _with_table(source: File, layout: Layout, text: str, options: ImportOptions) -> Layout:
    """Return the layout with separators, header and columns."""
    delimiter: str | None = options.delimiter
    first, _, rest = text.partition(layout.line_end)
    if declared := re.fullmatch(r"sep=([,;\t|])\r?", first, re.IGNORECASE):  # Excel's own way to say it
        delimiter = delimiter or declared[1]
        skipped = len((first + layout.line_end).encode(layout.encoding))
        layout, text = replace(layout, start=layout.start + skipped, start_line=1), rest
    dialect = detect_dialect(text, known=count_known, delimiter=delimiter, quote=options.quote, escape=options.escape)
    layout = replace(layout, dialect=dialect)
    first_row = _first_row(source, layout)
    cells = list(first_row.content.values())
    has_header = options.has_header if options.has_header is not None else not any(map(is_email, cells))
    columns = _named(first_row, has_header=has_header)
    if len(columns) > MAX_COLUMNS:
        raise _refused(f"has more than {MAX_COLUMNS} columns")
    start, line = (first_row.end, first_row.end_line) if has_header else (layout.start, layout.start_line)
    return replace(layout, columns=columns, has_header=has_header, start=start, start_line=line)


def _first_row(source: File, layout: Layout) -> Record:
    """Return the first record with its cells by their places, “0” and so on."""
    wide = replace(layout, columns=tuple(map(str, range(MAX_COLUMNS + 2))))
    record = next(read_records(source, wide, offset=layout.start, line=layout.start_line), None)
    if record is None:
        raise _refused("has no row")
    if record.problem:
        too_long = f"A line may have up to {MAX_RECORD_BYTES:,} bytes"
        raise _refused(f"cannot be read: its first row {record.problem}. {too_long}")
    return record


def _named(row: Record, *, has_header: bool) -> tuple[str, ...]:
    """Return a name for every column, each another one."""
    width = max(map(int, row.content)) + 1
    names: dict[str, None] = {}
    for place in range(width):
        name = str(row.content.get(str(place), "")) if has_header else ""
        name = " ".join(name.split())[:200] or f"Column {place + 1}"
        unique, number = name, 2
        while unique in names:
            unique, number = f"{name} {number}", number + 1
        names[unique] = None
    return tuple(names)


def _mapping(layout: Layout, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the target of each column: what somebody chose, and of the others what their names say."""
    found = recognise(layout.columns, layout.kind)
    taken = {target for target in chosen.values() if "." not in target}
    free = {
        # A field that somebody gave to another column is free no longer.
        column: default_target(column, layout.kind) if target in taken else target
        for column, target in found.items()
    }
    return {column: chosen.get(column, free[column]) for column in layout.columns}


def _with_date_order(layout: Layout, records: Sequence[Record]) -> tuple[Layout, list[Problem]]:
    if layout.date_order is not None:
        return layout, []
    dated = [column for column, target in layout.mapping.items() if target == "timestamp"]
    texts = [value for record in records for column in dated if isinstance(value := record.content.get(column), str)]
    found = order_of(texts)
    if found.mixed:
        detail = f"is needed: the file has both {found.mixed[0]} and {found.mixed[1]}. Say dmy (day first) or mdy"
        return layout, [Problem(pointer="/options/dateOrder", detail=detail)]
    if found.order is None and found.ambiguous:
        detail = f"is needed: is {found.ambiguous} day first (dmy) or month first (mdy)?"
        return layout, [Problem(pointer="/options/dateOrder", detail=detail)]
    return replace(layout, date_order=found.order), []


def _missing(layout: Layout) -> list[Problem]:
    targets = {place_of(target).root for target in layout.mapping.values()}
    if layout.format == "jsonl":
        return []  # each line may have other fields; those without are rejected one by one
    problems = []
    if layout.kind == "events" and not targets & set(WHO):
        detail = "needs a column for whose event it is: email, userId, anonymousId or leadId"
        problems.append(Problem(pointer="/mapping", detail=detail))
    if layout.kind == "events" and "eventType" not in targets and not layout.event_type:
        detail = "is needed: no column says what happened, so say it for all rows, or map a column to eventType"
        problems.append(Problem(pointer="/options/eventType", detail=detail))
    return problems


def _notes(layout: Layout, records: Sequence[Record]) -> tuple[str, ...]:
    notes = []
    targets = set(layout.mapping.values())
    if not records:
        notes.append("There is no row below the header.")
    if layout.kind == "events" and "timestamp" not in targets:
        notes.append("No column says when: all rows count as happening at the moment of the import.")
    if layout.kind == "leads" and not targets & set(WHO):
        notes.append("No column identifies a lead: every row makes a new one.")
    if not layout.has_header and layout.format == "csv":
        notes.append("The first row looks like data, so the columns have numbers instead of names.")
    return tuple(notes)


def _refused(detail: str) -> Refused:
    return Refused("invalid", (Problem(pointer="/file", detail=detail),))


def kind_of(text: str) -> Kind:
    """Return a kind of import by its name; raise `Refused`."""
    if text not in ("leads", "events"):
        raise Refused("invalid", (Problem(pointer="/kind", detail="must be leads or events"),))
    return cast("Kind", text)
