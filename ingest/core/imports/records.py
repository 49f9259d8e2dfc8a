"""The records of a file: rows of a CSV, objects of JSON Lines, each with where it ends, or with why it cannot be read.

A record that cannot be read costs its first line and nothing else: reading goes on with the line after it, so that one
quotation mark that is never closed does not swallow what follows.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ingest.core.imports.layout import Layout
from ingest.core.imports.lines import File, Lines, LineTooLong

MAX_RECORD_BYTES = 64 * 1024  # and below what `csv` takes as one cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record that begins at `line` (from 1): its content by column, or what is wrong with it. `end`: a byte."""

    line: int
    end: int
    end_line: int
    raw: str
    content: Mapping[str, Any]
    problem: str = ""


class _TooLong(Exception):
    """A record of several lines has become too long."""


def read_records(file: File, layout: Layout, *, offset: int, line: int) -> Iterator[Record]:
    """Yield the records from a byte on, after so many lines; empty ones are left out."""
    lines = Lines(file, terminator=layout.terminator, limit=MAX_RECORD_BYTES, offset=offset, number=line)
    return _csv_records(lines, layout) if layout.format == "csv" else _json_records(lines, layout)


def _json_records(lines: Lines, layout: Layout) -> Iterator[Record]:
    while True:
        raw, content, problem = "", {}, ""
        try:
            data = lines.read()
            if not data:
                return
            raw = data.decode(layout.encoding)
            if not raw.strip():
                continue
            content = orjson.loads(raw)
            if not isinstance(content, dict):
                content, problem = {}, "is no JSON object: write one object a line, such as {…}"
            elif "\\u0000" in raw:
                content = {field.replace("\x00", ""): value for field, value in content.items()}
        except LineTooLong:
            problem = _too_long()
        except UnicodeDecodeError:
            raw, problem = _printable(data), _undecodable(layout)
        except orjson.JSONDecodeError as error:
            problem = f"is not valid JSON: {error.msg}"
        yield Record(
            line=lines.number,
            end=lines.offset,
            end_line=lines.number,
            raw=raw.rstrip("\r\n"),
            content=content,
            problem=problem,
        )


class _Fed:
    """The lines that `csv.reader` takes for one record after the other, and those it has taken for this one."""

    def __init__(self, lines: Lines, layout: Layout) -> None:
        self._lines = lines
        self._encoding = layout.encoding
        self.begin()

    def begin(self) -> None:
        self.taken: list[str] = []
        self._size = 0
        self.first_end = self._lines.offset
        self.first_line = self._lines.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        data = self._lines.read()
        if not data:
            raise StopIteration
        if not self._size:
            self.first_end = self._lines.offset
        self._size += len(data)
        if self._size > MAX_RECORD_BYTES:
            raise _TooLong
        text = data.decode(self._encoding)
        self.taken.append(text)
        return text


def _csv_records(lines: Lines, layout: Layout) -> Iterator[Record]:
    fed = _Fed(lines, layout)
    reader = csv.reader(fed, **layout.dialect.arguments())
    while True:
        fed.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except (LineTooLong, _TooLong, UnicodeDecodeError, csv.Error) as error:
            if fed.taken:  # only the first line is lost: what a quotation mark had joined to it is read on its own
                lines.go_to(fed.first_end, fed.first_line)
            yield Record(
                line=fed.first_line,
                end=lines.offset,
                end_line=lines.number,
                raw=_raw(fed, error),
                content={},
                problem=_words(fed, error, layout),
            )
            reader = csv.reader(fed, **layout.dialect.arguments())
        else:
            content = _content(row, layout)
            problem = _raggedness(row, len(layout.columns)) if len(row) > len(layout.columns) else ""
            if content or problem:
                yield Record(
                    line=fed.first_line,
                    end=lines.offset,
                    end_line=lines.number,
                    raw="".join(fed.taken).rstrip("\r\n"),
                    content=content,
                    problem=problem,
                )


def _content(row: Sequence[str], layout: Layout) -> dict[str, str]:
    """Return the cells that hold anything, without what stands around it."""
    return {
        column: text
        for column, cell in zip(layout.columns, row, strict=False)
        if (text := (cell.replace("\x00", "") if "\x00" in cell else cell).strip())
    }


def _raggedness(row: Sequence[str], width: int) -> str:
    if not any(cell.strip() for cell in row[width:]):
        return ""
    return f"has {len(row)} cells where there are {width} columns: put a cell that holds a separator into quotes"


def _raw(fed: _Fed, error: Exception) -> str:
    if fed.taken:
        return fed.taken[0].rstrip("\r\n")
    return _printable(error.object) if isinstance(error, UnicodeDecodeError) else ""


def _words(fed: _Fed, error: Exception, layout: Layout) -> str:
    if isinstance(error, UnicodeDecodeError):
        return _undecodable(layout)
    if not isinstance(error, csv.Error):
        if fed.taken:
            return "is too long together with what follows: is a quotation mark missing at the end of a cell?"
        return _too_long()
    if "unexpected end" in str(error):
        return "has a quotation mark that is never closed"
    if "new-line" in str(error):
        return "has a line break in a cell without quotation marks"
    return "has a quotation mark in the middle of a quoted cell: double it"


def _too_long() -> str:
    return f"is longer than {MAX_RECORD_BYTES:,} bytes"


def _undecodable(layout: Layout) -> str:
    return f"is not written in {layout.encoding}: save the file as UTF-8, or say which encoding it has"


def _printable(data: bytes) -> str:
    return data[:1000].decode("ascii", "backslashreplace").rstrip("\r\n")
