"""How one ruleset differs from another, in words: “Page view: 5 → 8 points”."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from scoring.core.points import in_words
from scoring.core.schema import (
    AllOf,
    AnyOf,
    CapSpec,
    Comparison,
    GroupSpec,
    Negation,
    RulesetSpec,
    RuleSpec,
    ScorecardSpec,
    StageSpec,
)

Kind = Literal["added", "removed", "changed"]

_OPERATORS = {
    "eq": "is", "ne": "is not", "in": "is one of", "contains": "contains", "starts_with": "starts with",
    "matches": "matches", "gt": "is above", "gte": "is at least", "lt": "is below", "lte": "is at most",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: of which scorecard, of what on it, and how."""

    kind: Kind
    scorecard: str
    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}"


def changes(old: RulesetSpec, new: RulesetSpec) -> list[Change]:
    """Return what makes `new` another ruleset than `old`; nothing only when they are the same."""
    before, after = _by_name(old.scorecards), _by_name(new.scorecards)
    found: list[Change] = []
    for name, card in after.items():
        if name in before:
            found += _card(before[name], card)
        else:
            what = f"a new scorecard with {_count(len(card.rules), 'rule')}"
            found.append(Change(kind="added", scorecard=name, subject=name, what=what))
    found += [
        Change(kind="removed", scorecard=name, subject=name, what="the scorecard is removed")
        for name in before
        if name not in after
    ]
    if (first := next(iter(before))) != (now := next(iter(after))):
        what = f"{first} → {now}"
        found.append(Change(kind="changed", scorecard=now, subject="Primary scorecard", what=what))
    elif [name for name in before if name in after] != [name for name in after if name in before]:
        found.append(Change(kind="changed", scorecard=now, subject="Scorecards", what="in another order"))
    return found + list(_tests(old, new, now))


def _tests(old: RulesetSpec, new: RulesetSpec, card: str) -> Iterator[Change]:
    before, after = _by_name(old.tests), _by_name(new.tests)
    for name in after.keys() - before.keys():
        yield Change(kind="added", scorecard=card, subject="Tests", what=f"“{name}” is new")
    for name in before.keys() - after.keys():
        yield Change(kind="removed", scorecard=card, subject="Tests", what=f"“{name}” is removed")
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            yield Change(kind="changed", scorecard=card, subject="Tests", what=f"“{name}” is changed")
    if old.tests != new.tests and before == after:
        yield Change(kind="changed", scorecard=card, subject="Tests", what="in another order")


def _card(old: ScorecardSpec, new: ScorecardSpec) -> Iterator[Change]:
    settings = (
        ("Scores", _basis(old), _basis(new)),
        ("Floor", in_words(old.floor), in_words(new.floor)),
        ("Cap", in_words(old.cap), in_words(new.cap)),
        ("Half-life", _half_life(old), _half_life(new)),
    )
    for subject, was, now in settings:
        if was != now:
            yield Change(kind="changed", scorecard=new.name, subject=subject, what=f"{was} → {now}")
    yield from _items(new.name, "Rule", old.rules, new.rules)
    yield from _items(new.name, "Stage", old.stages, new.stages)
    yield from _items(new.name, "Group", old.groups, new.groups)


def _items(card: str, noun: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    before, after = _by_name(old), _by_name(new)
    label = "{}".format if noun == "Rule" else f"{noun} {{}}".format
    for name, item in after.items():
        if name not in before:
            yield Change(
                kind="added", scorecard=card, subject=label(name), what=f"new, {'; '.join(_facts(item).values())}"
            )
        elif (what := _difference(_facts(before[name]), _facts(item))) != "":
            yield Change(kind="changed", scorecard=card, subject=label(name), what=what)
    for name, item in before.items():
        if name not in after:
            what = f"removed, was {'; '.join(_facts(item).values())}"
            yield Change(kind="removed", scorecard=card, subject=label(name), what=what)
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield Change(kind="changed", scorecard=card, subject=f"{noun}s", what="in another order")


def _difference(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    parts = []
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        if was is None:
            parts.append(f"now {now}")
        elif now is None:
            parts.append(f"no longer {was}")
        else:
            shared = " points"
            short = was.removesuffix(shared) if was.endswith(shared) and now.endswith(shared) else was
            parts.append(f"{short} → {now}")
    return "; ".join(parts)


def _facts(item: RuleSpec | StageSpec | GroupSpec) -> dict[str, str]:
    """Return what can be said of a rule, stage or group, by aspect; an aspect at its default is left out."""
    if isinstance(item, StageSpec):
        facts = {"min": f"from {in_words(item.min)} points"}
        return facts | ({"hysteresis": f"left {in_words(item.hysteresis)} below"} if item.hysteresis else {})
    if isinstance(item, GroupSpec):
        return {"max": f"at most {_points(item.max)}"}
    facts = {"points": _points(item.points), "event": f"for {_events(item)}"}
    if item.when is not None:
        facts["when"] = f"only when {_condition(item.when)}"
    if item.cap is not None:
        facts["cap"] = _cap(item.cap)
    if item.expires_after_days is not None:
        facts["expiry"] = f"for {_count(item.expires_after_days, 'day')}"
    if item.valid_from is not None:
        facts["from"] = f"valid from {item.valid_from:%Y-%m-%d %H:%M %Z}"
    if item.valid_to is not None:
        facts["to"] = f"valid until {item.valid_to:%Y-%m-%d %H:%M %Z}"
    if item.group is not None:
        facts["group"] = f"in the group “{item.group}”"
    return facts if item.active else facts | {"active": "switched off"}


def _by_name(items: Sequence[Any]) -> dict[str, Any]:
    return {item.name: item for item in items}


def _points(points: Decimal) -> str:
    return f"{in_words(points)} points" if abs(points) != 1 else f"{in_words(points)} point"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _events(rule: RuleSpec) -> str:
    types = (rule.event,) if isinstance(rule.event, str) else rule.event
    return "every event" if "*" in types else ", ".join(types)


def _basis(card: ScorecardSpec) -> str:
    return "what leads do" if card.basis == "events" else "who leads are"


def _half_life(card: ScorecardSpec) -> str:
    return "never fades" if card.half_life_days is None else f"{card.half_life_days:g} days"


def _cap(cap: CapSpec) -> str:
    times = {1: "once", 2: "twice"}.get(cap.times, f"{cap.times:,} times")
    distinct = "" if cap.distinct is None else f" for each {cap.distinct}"
    return f"at most {times} per {cap.per}{distinct}"


def _condition(condition: Any) -> str:
    match condition:
        case AllOf(all=parts):
            return " and ".join(_nested(part) for part in parts)
        case AnyOf(any=parts):
            return " or ".join(_nested(part) for part in parts)
        case Negation(not_=part):
            return f"not ({_condition(part)})"
        case Comparison(field=field, op="exists", value=value):
            return f"{field} is {'missing' if value is False else 'there'}"
        case Comparison(field=field, op=op, value=value):
            return f"{field} {_OPERATORS[op]} {_value(value)}"
    raise TypeError(f"{condition!r} is no condition")


def _nested(condition: Any) -> str:
    text = _condition(condition)
    return f"({text})" if isinstance(condition, AllOf | AnyOf) else text


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(item) for item in value)
    return f"“{value}”" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
