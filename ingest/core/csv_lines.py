"""Lines of a CSV file (RFC 4180) that a spreadsheet may open: whatever strangers wrote into a cell stays text."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

# What makes spreadsheets take a cell for a formula (OWASP, “CSV Injection”), with the full-width forms that some read
# as the plain ones.
_BEGINNINGS = tuple("=+-@\t\r\n＝＋－＠")
MARK = "\ufeff"  # the byte order mark: without it Excel does not take a file for UTF-8


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Return lines of cells as CSV text.

    Text that a spreadsheet would execute gets a ' before it; numbers, which begin with a minus when they are negative,
    stay numbers. Times are RFC 3339 in UTC, lists and objects JSON, `None` is an empty cell.
    """
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in line] for line in lines)
    return text.getvalue()


def csv_stream(header: Sequence[str], batches: Iterable[Iterable[Sequence[object]]], *, mark: bool) -> Iterator[str]:
    """Yield a CSV file in parts: the header, after a byte order mark if asked for, and then a part for every batch."""
    yield (MARK if mark else "") + csv_text([header])
    for lines in batches:
        if part := csv_text(lines):
            yield part


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    text = str(value)
    return f"'{text}" if text.startswith(_BEGINNINGS) else text
