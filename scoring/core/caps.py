"""Caps: how often a rule counts for a lead, per window, per value of a field, and per group of rules.

Events come in order, so a counter holds only the window it is in; the values it holds are bounded.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

from scoring.core.conditions import MISSING
from scoring.core.points import in_words, to_points
from scoring.core.ruleset import Cap

MAX_VALUES = 1_000
"""A rule with `distinct` counts this many different values per lead (or window); later ones are refused."""
LONG = 24


class Occasion(Protocol):
    """What a cap looks at: an event."""

    @property
    def occurred_at(self) -> datetime: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def context(self) -> Mapping[str, Any]: ...


@dataclass(slots=True, kw_only=True)
class Counter:
    """How often a rule has counted in one window, in all or per distinct value."""

    window: str
    count: int = 0
    values: dict[str, int] | None = None

    def copy(self) -> "Counter":
        """Return a copy that can be changed without this one noticing."""
        return Counter(window=self.window, count=self.count, values=None if self.values is None else self.values.copy())

    def dump(self) -> list[Any]:
        """Return the counter as a JSON-able list."""
        return [self.window, self.count] if self.values is None else [self.window, self.count, self.values]

    @classmethod
    def load(cls, data: list[Any]) -> Self:
        """Return the counter that dump wrote."""
        return cls(window=data[0], count=data[1], values=dict(data[2]) if len(data) > 2 else None)


def window_of(moment: datetime, per: str, zone: ZoneInfo) -> str:
    """Return the name of the calendar day, ISO week or month a moment lies in, in a time zone."""
    if per == "lead":
        return ""
    try:
        day = moment.astimezone(zone).date()
    except OverflowError:  # within a day of the first or the last moment there is
        day = moment.astimezone(UTC).date()
    if per == "day":
        return day.isoformat()
    if per == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return f"{day.year:04d}-{day.month:02d}"


def name_value(value: object) -> str:
    """Return a short name of a value, the same for equal values; long ones are named by their hash."""
    if value is MISSING:
        return "-"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    name = "s" + value if isinstance(value, str) else "j" + json.dumps(value, sort_keys=True, default=str)
    if len(name) <= LONG:
        return name
    return "h" + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def refuse(
    counters: dict[str, Counter],
    rule: str,
    cap: Cap,
    *,
    event: Occasion,
    traits: Mapping[str, Any],
    zone: ZoneInfo,
) -> str | None:
    """Count an event towards a rule's cap, or return in words why the cap refuses it."""
    window = window_of(event.occurred_at, cap.per, zone)
    counter = counters.get(rule)
    if counter is None or counter.window != window:
        counter = counters[rule] = Counter(window=window)
    if cap.distinct is None:
        if counter.count >= cap.times:
            return f"already counted {_times(counter.count)} {_span(window)}"
        counter.count += 1
        return None
    if counter.values is None:
        counter.values = {}
    value = name_value(cap.distinct(event, traits))
    seen = counter.values.get(value, 0)
    if seen >= cap.times:
        return f"already counted {_times(seen)} {_span(window)} for this value of {cap.field}"
    if seen == 0 and len(counter.values) >= MAX_VALUES:
        return f"already counted {MAX_VALUES:,} different values of {cap.field} {_span(window)}"
    counter.values[value] = seen + 1
    counter.count += 1
    return None


def limit_group(group: str, points: int, *, already: int, most: int) -> tuple[int, str | None]:
    """Return how many of a rule's points its group still takes, and in words why not all."""
    room = max(most - already, 0)
    if points <= room:
        return points, None
    limit = in_words(to_points(most))
    if room == 0:
        return 0, f"the group “{group}” has reached its limit of {limit}"
    return room, f"the group “{group}” had room for only {in_words(to_points(room))} of its {limit}"


def share(parts: list[int], excess: int) -> list[int]:
    """Return the parts with an excess taken off again, from the last part of its sign to the first."""
    shared = parts[:]
    for index in range(len(shared) - 1, -1, -1):
        if excess == 0:
            break
        part = shared[index]
        if (part > 0) == (excess > 0) and part != 0:
            taken = min(part, excess) if excess > 0 else max(part, excess)
            shared[index] = part - taken
            excess -= taken
    return shared


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _span(window: str) -> str:
    if not window:
        return "for this lead"
    if "W" in window:
        monday = date.fromisocalendar(int(window[:4]), int(window[6:]), 1)
        return f"in the week of {_day(monday)}"
    if len(window) == 7:
        return f"in {date.fromisoformat(window + '-01'):%B %Y}"
    return f"on {_day(date.fromisoformat(window))}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def days_after(moment: datetime, days: int) -> datetime | None:
    """Return the moment so many days later, None when the calendar ends before."""
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return None
