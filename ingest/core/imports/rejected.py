"""Rejected rows written as a CSV that a spreadsheet shows and does not execute."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def written(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV text. What a spreadsheet would take for a formula begins with an apostrophe (OWASP)."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([[_harmless(cell) for cell in row] for row in rows])
    return file.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
