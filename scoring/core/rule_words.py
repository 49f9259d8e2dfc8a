"""A rule in words, as lists and pages show it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scoring.core.condition_rows import condition_in_words

_TIMES = {1: "once", 2: "twice"}
_PER = {"lead": "per lead", "day": "a day", "week": "a week", "month": "a month"}


def rule_in_words(tree: Mapping[str, Any]) -> str:
    """Return which events a rule counts, how often and how long; `tree` is the rule as a ruleset file has it."""
    parts = [events_in_words(tree["event"])]
    if tree.get("when"):
        parts[0] += f" where {condition_in_words(tree['when'])}"
    if cap := tree.get("cap"):
        parts.append(cap_in_words(cap))
    if days := tree.get("expires_after_days"):
        parts.append(f"expires after {days} {'day' if days == 1 else 'days'}")
    if tree.get("valid_from"):
        parts.append(f"from {_moment(tree['valid_from'])}")
    if tree.get("valid_to"):
        parts.append(f"until {_moment(tree['valid_to'])}")
    if tree.get("group"):
        parts.append(f"in group {tree['group']}")
    return "; ".join(parts)


def events_in_words(event: str | list[str]) -> str:
    """Return event types as people say them."""
    types = [event] if isinstance(event, str) else event
    return "every event" if types == ["*"] else " or ".join(types)


def cap_in_words(cap: Mapping[str, Any]) -> str:
    """Return how often a rule counts."""
    times = cap["times"]
    said = f"at most {_TIMES.get(times, f'{times} times')} {_PER.get(cap['per'], cap['per'])}"
    return f"{said} and different {cap['distinct']}" if cap.get("distinct") else said


def _moment(value: datetime | str) -> str:
    return value if isinstance(value, str) else f"{value:%Y-%m-%d %H:%M}"
