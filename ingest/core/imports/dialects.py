"""How a CSV file separates its cells: found by reading a sample in every way there is and comparing the tables.

The best way is the one under which the header says things we know, then the one under which the rows have as many cells
as the header, then the one with the most cells. (`csv.Sniffer` looks at characters alone and is easily led astray.)
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', "'")
SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How cells are separated and quoted; `escape`: what takes a quotation mark its meaning, if doubling does not."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what `csv.reader` has to be told. Strict, so that broken quoting is refused and not repaired."""
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote,
            "escapechar": self.escape,
            "doublequote": self.escape is None,
            "strict": True,
        }


def detect_dialect(
    text: str,
    *,
    known: Callable[[Sequence[str]], int],
    delimiter: str | None = None,
    quote: str | None = None,
    escape: str | None = None,
) -> Dialect:
    """Return how the sample `text` is best read; `known` counts the headers that mean something to us."""
    asked = Dialect(delimiter=delimiter or ",", quote=quote or '"', escape=escape)
    escapes = (escape,) if escape or "\\" not in text else (None, "\\")
    candidates = [
        replace(asked, delimiter=each, quote=mark, escape=how)
        for mark, how, each in product(
            (quote,) if quote else QUOTES[:1] if QUOTES[0] in text else QUOTES,
            escapes,
            (delimiter,) if delimiter else DELIMITERS,
        )
    ]
    # The first of equals wins, so the usual ways stand first.
    return max(candidates, key=lambda dialect: _fit(text, dialect, known)) if len(candidates) > 1 else candidates[0]


def _fit(text: str, dialect: Dialect, known: Callable[[Sequence[str]], int]) -> tuple[float, ...]:
    reader = csv.reader(io.StringIO(text, newline=""), **dialect.arguments())
    rows: list[list[str]] = []
    broken = 0
    while len(rows) + broken < SAMPLE_ROWS:
        try:
            rows.append(next(reader))
        except csv.Error:
            broken += 1
        except StopIteration:
            break
    rows = [row for row in rows if row]
    if not rows:
        return (0, 0, 0)
    width = len(rows[0])
    alike = sum(len(row) == width for row in rows) / (len(rows) + broken)
    return (known(rows[0]), round(alike, 3) if width > 1 else 0, width)
