"""A ruleset: read from a file or the API, written back, and compiled for the engine.

The compiled form is frozen: points are whole hundredths, conditions functions, rules found by event type.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from scoring.core.conditions import Getter, Predicate, compile_condition, compile_path, trait_keys
from scoring.core.mistakes import RulesetInvalid, find_mistakes, from_validation, measure
from scoring.core.points import to_hundredths, to_number, to_points
from scoring.core.schema import CapSpec, RulesetSpec, RuleSpec, ScorecardSpec
from scoring.core.stages import StageTable

__all__ = [
    "Cap",
    "Card",
    "Plan",
    "Rule",
    "RuleHit",
    "Ruleset",
    "RulesetInvalid",
    "RulesetSpec",
    "compile_ruleset",
    "dump_ruleset",
    "dump_value",
    "parse_ruleset",
]

DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleHit:
    """A rule that matched: its points, what of them counted, and why when it was not all."""

    name: str
    points: Decimal
    applied: Decimal
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """How often a rule counts, and how to find the value that must differ."""

    times: int
    per: str
    distinct: Getter | None
    field: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One rule, ready to run; `plain` when nothing but the scorecard's floor and cap limits it."""

    name: str
    points: int
    when: Predicate | None
    cap: Cap | None
    expires_after_days: int | None
    valid_from: datetime | None
    valid_to: datetime | None
    group: str | None
    plain: bool
    always: bool
    hits: tuple[RuleHit, ...]

    def matches(self, event: Any, traits: Mapping[str, Any]) -> bool:
        """Return whether the rule is in force at the event's time and its condition holds."""
        if self.valid_from is not None and event.occurred_at < self.valid_from:
            return False
        if self.valid_to is not None and event.occurred_at >= self.valid_to:
            return False
        return self.when is None or self.when(event, traits)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Card:
    """One scorecard, ready to run; scores are whole hundredths, times seconds."""

    name: str
    basis: str
    floor: int
    cap: int
    start: int
    half_life: float | None
    stages: StageTable
    rules: tuple[Rule, ...]
    groups: Mapping[str, int]
    number: int
    by_type: Mapping[str, tuple[Rule, ...]]
    by_any: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """The rules of one scorecard for one event type; `simple` when all of them count whenever it comes."""

    card: Card
    rules: tuple[Rule, ...]
    simple: bool
    total: int
    hits: tuple[RuleHit, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ruleset:
    """A version of the rules, ready to run; `number` is the version's, `spec` what it was compiled from."""

    number: int
    time_zone: str
    spec: RulesetSpec
    cards: tuple[Card, ...]
    zone: ZoneInfo
    trait_keys: frozenset[str]
    by_name: Mapping[str, Card]
    trait_cards: tuple[Card, ...]
    plans: Mapping[str, tuple[Plan, ...]] = field(repr=False)
    plans_of_any: tuple[Plan, ...] = field(repr=False)

    @property
    def primary(self) -> Card:
        """Return the first scorecard, which gives a lead its score and stage."""
        return self.cards[0]


def parse_ruleset(data: object) -> RulesetSpec:
    """Return the ruleset a file or a request holds; RulesetInvalid with every mistake otherwise."""
    too_much = measure(data)
    if too_much:
        raise RulesetInvalid(too_much)
    try:
        spec = RulesetSpec.model_validate(data)
    except ValidationError as error:
        raise RulesetInvalid(from_validation(error, data)) from error
    mistakes = find_mistakes(spec)
    if mistakes:
        raise RulesetInvalid(mistakes)
    return spec


def dump_ruleset(spec: RulesetSpec) -> dict[str, Any]:
    """Return the JSON-able tree that parse_ruleset reads back, without what is at its default."""
    return cast("dict[str, Any]", _dump(spec))


def dump_value(value: object) -> Any:
    """Return a part of a ruleset (a condition, events, plain values) as dump_ruleset writes it."""
    return _dump(value)


def _dump(value: object) -> object:
    if isinstance(value, BaseModel):
        tree = {
            info.alias or name: _dump(getattr(value, name))
            for name, info in type(value).model_fields.items()
            if info.is_required() or getattr(value, name) != info.default
        }
        return tree or ({"times": 1} if isinstance(value, CapSpec) else {})
    if isinstance(value, Decimal):
        return to_number(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple | list):
        return [_dump(item) for item in value]
    if isinstance(value, dict):
        return {key: _dump(item) for key, item in value.items()}
    return value


def compile_ruleset(spec: RulesetSpec, *, number: int, time_zone: str) -> Ruleset:
    """Return a ruleset ready to run as version `number`; cap windows follow `time_zone` (an IANA name)."""
    cards = tuple(_compile_card(card, number) for card in spec.scorecards)
    scored = [card for card in cards if card.basis == "events"]
    types = {event_type for card in scored for event_type in card.by_type}
    keys = (trait_keys(rule.when) for card in spec.scorecards for rule in card.rules if rule.active)
    distinct = (
        rule.cap.distinct.split(".")[1]
        for card in spec.scorecards
        for rule in card.rules
        if rule.cap is not None and rule.cap.distinct is not None and rule.cap.distinct.startswith("traits.")
    )
    return Ruleset(
        number=number,
        time_zone=time_zone,
        spec=spec,
        cards=cards,
        zone=ZoneInfo(time_zone),
        trait_keys=frozenset().union(*keys, distinct),
        by_name={card.name: card for card in cards},
        trait_cards=tuple(card for card in cards if card.basis == "traits"),
        plans={
            event_type: tuple(
                _plan(card, rules) for card in scored if (rules := card.by_type.get(event_type, card.by_any))
            )
            for event_type in types
        },
        plans_of_any=tuple(_plan(card, card.by_any) for card in scored if card.by_any),
    )


def _plan(card: Card, rules: tuple[Rule, ...]) -> Plan:
    return Plan(
        card=card,
        rules=rules,
        simple=all(rule.always and rule.plain for rule in rules),
        total=sum(rule.points for rule in rules),
        hits=tuple(hit for rule in rules for hit in rule.hits),
    )


def _compile_card(card: ScorecardSpec, number: int) -> Card:
    pairs = [(_types(rule), _compile_rule(rule)) for rule in card.rules if rule.active]
    named = {event_type for types, _ in pairs for event_type in types if event_type != "*"}
    floor, cap = to_hundredths(card.floor), to_hundredths(card.cap)
    return Card(
        name=card.name,
        basis=card.basis,
        floor=floor,
        cap=cap,
        start=max(floor, min(cap, 0)),
        half_life=None if card.half_life_days is None else card.half_life_days * DAY,
        stages=StageTable.build(
            (stage.name, to_hundredths(stage.min), to_hundredths(stage.hysteresis)) for stage in card.stages
        ),
        rules=tuple(rule for _, rule in pairs),
        groups={group.name: to_hundredths(group.max) for group in card.groups},
        number=number,
        by_type={
            event_type: tuple(rule for types, rule in pairs if event_type in types or "*" in types)
            for event_type in named
        },
        by_any=tuple(rule for types, rule in pairs if "*" in types),
    )


def _types(rule: RuleSpec) -> tuple[str, ...]:
    return rule.event if isinstance(rule.event, tuple) else (rule.event,)


def _compile_rule(rule: RuleSpec) -> Rule:
    points = to_hundredths(rule.points)
    cap = None
    if rule.cap is not None:
        distinct: Callable[..., Any] | None = compile_path(rule.cap.distinct) if rule.cap.distinct else None
        cap = Cap(times=rule.cap.times, per=rule.cap.per, distinct=distinct, field=rule.cap.distinct)
    return Rule(
        name=rule.name,
        points=points,
        when=None if rule.when is None else compile_condition(rule.when),
        cap=cap,
        expires_after_days=rule.expires_after_days,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
        group=rule.group,
        plain=cap is None and rule.expires_after_days is None and rule.group is None,
        always=rule.when is None and rule.valid_from is None and rule.valid_to is None,
        hits=(RuleHit(name=rule.name, points=to_points(points), applied=to_points(points)),),
    )
