"""Dates and times as spreadsheets and programs write them.

03/04/2026 may be the 3rd of April or the 4th of March. Which one a file means is found out from its other dates, or has
to be said; it is never guessed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal, cast

from ingest.core.events import EARLIEST

DateOrder = Literal["dmy", "mdy"]
EXAMPLE = "2026-01-31 10:00"

_TIME = (
    r"(?:[\sT,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)
_NUMBERS = re.compile(
    r"(?P<first>\d{1,4})(?P<between>[/.-])(?P<middle>\d{1,2})(?P=between)(?P<last>\d{4}|\d{1,2})" + _TIME, re.ASCII
)
_NAMED = re.compile(
    r"(?:[A-Za-z]{3,9}\.?,?\s+)?"
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s.-]*(?P<month>[A-Za-z]{3,9})\.?[\s,-]*(?P<year>\d{4}|\d\d)"
    r"|(?P<month_first>[A-Za-z]{3,9})\.?\s*(?P<day_second>\d{1,2})(?:st|nd|rd|th)?[\s,]+(?P<year_last>\d{4}))" + _TIME,
    re.ASCII,
)
_DIGITS = re.compile(r"\d{8,16}(?:\.\d{1,6})?", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CENTURY_TURNS_AT = 70
_EARLIEST_YEAR_OF_DIGITS = 1900


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Reads times: numbers in `order` where it matters, in `zone` where they name none."""

    zone: tzinfo
    order: DateOrder | None = None

    def read(self, text: str) -> datetime:
        """Return the moment, in UTC; raise `ValueError` with what is wrong."""
        try:
            moment = self._read(text)
            moment = (moment.replace(tzinfo=self.zone) if moment.tzinfo is None else moment).astimezone(UTC)
        except OverflowError:
            raise ValueError(f"“{text[:40]}” is no moment of the calendar") from None
        if moment < EARLIEST:
            raise ValueError(f"“{text[:40]}” lies before 1970")
        return moment

    def _read(self, text: str) -> datetime:
        if text[4:5] == "-":  # by far the most, and the fastest
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                pass
        if found := _NUMBERS.fullmatch(text):
            return _made(text, *self._date(found, text), found)
        if _DIGITS.fullmatch(text):
            return _of_digits(text)
        if found := _NAMED.fullmatch(text):
            day, month = found["day"] or found["day_second"], found["month"] or found["month_first"]
            return _made(text, _year(found["year"] or found["year_last"]), _month(month, text), int(day), found)
        raise ValueError(f"“{text[:40]}” is no time: write it like {EXAMPLE}")

    def _date(self, found: "re.Match[str]", text: str) -> tuple[int, int, int]:
        first, middle, last = int(found["first"]), int(found["middle"]), found["last"]
        if len(found["first"]) == 4:
            return first, middle, int(last)
        if len(found["first"]) == 3:
            raise ValueError(f"“{text[:40]}” is no date: write it like {EXAMPLE}")
        if found["between"] == ".":  # wherever dots are used the day comes first
            return _year(last), middle, first
        if self.order is None:
            raise ValueError(f"“{text[:40]}” may begin with the day or the month: say which (dateOrder)")
        if self.order == "dmy":
            return _year(last), middle, first
        return _year(last), first, middle


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFound:
    """What the dates of a file say about day and month: the order, or an example of what stays open or contradicts."""

    order: DateOrder | None = None
    ambiguous: str = ""
    mixed: tuple[str, str] | None = None


def order_of(texts: Iterable[str]) -> OrderFound:
    """Return in which order these dates have day and month; nothing is found where none needs it."""
    ambiguous, evidence = "", cast("dict[DateOrder, str]", {})
    for text in texts:
        found = _NUMBERS.fullmatch(text)
        if not found or found["between"] == "." or len(found["first"]) > 2:
            continue
        first, middle = int(found["first"]), int(found["middle"])
        if first > 12 >= middle:
            evidence.setdefault("dmy", text)
        elif middle > 12 >= first:
            evidence.setdefault("mdy", text)
        else:
            ambiguous = ambiguous or text
    if len(evidence) == 2:
        return OrderFound(mixed=(evidence["dmy"], evidence["mdy"]))
    if evidence:
        return OrderFound(order=next(iter(evidence)))
    return OrderFound(ambiguous=ambiguous)


def _made(text: str, year: int, month: int, day: int, found: "re.Match[str]") -> datetime:
    hour = int(found["hour"] or 0)
    if half := found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"“{text[:40]}” is no time of the day")
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    microsecond = int((found["fraction"] or "0")[:6].ljust(6, "0"))
    zone = _zone(found["zone"])
    try:
        return datetime(
            year, month, day, hour, int(found["minute"] or 0), int(found["second"] or 0), microsecond, tzinfo=zone
        )
    except ValueError:
        raise ValueError(f"“{text[:40]}” is no moment of the calendar") from None


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if not text.startswith(("+", "-")):
        return UTC
    return datetime.fromisoformat(f"2000-01-01T00:00{text}").tzinfo


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < _CENTURY_TURNS_AT else 1900)


def _month(name: str, text: str) -> int:
    try:
        return _MONTHS.index(name[:3].lower()) + 1
    except ValueError:
        raise ValueError(f"“{text[:40]}” has no month we know: write it like {EXAMPLE}") from None


def _of_digits(text: str) -> datetime:
    """Return 20260131 as a date; longer numbers are seconds, milliseconds or microseconds since 1970."""
    whole = text.partition(".")[0]
    if len(whole) == 8:
        year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
        if year < _EARLIEST_YEAR_OF_DIGITS or "." in text:
            raise ValueError(f"“{text}” is no time: write it like {EXAMPLE}")
        try:
            return datetime(year, month, day)  # noqa: DTZ001  (the zone is the reader's to add)
        except ValueError:
            raise ValueError(f"“{text}” is no date of the calendar") from None
    seconds = float(text) / (1 if len(whole) <= 10 else 1_000 if len(whole) <= 13 else 1_000_000)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OSError):
        raise OverflowError from None
