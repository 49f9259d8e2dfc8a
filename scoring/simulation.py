"""Trying rules out for a project: what a list of events would score under its draft, a version, or any ruleset."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scoring.core.conditions import count_comparisons
from scoring.core.engine import ScorableEvent
from scoring.core.mistakes import Mistake, RulesetInvalid, from_validation, measure
from scoring.core.ruleset import Ruleset, compile_ruleset, parse_ruleset
from scoring.core.schema import Moment, RulesetSpec, TestEvent
from scoring.core.simulate import Simulation, simulate
from scoring.models import RulesetVersion
from scoring.services.draft import draft_of
from scoring.services.rulesets import time_zone_of

MAX_EVENTS = 1_000
MAX_BYTES = 8 * 1024 * 1024
MAX_CHECKS = 500_000
"""A request may make so many checks of a rule or a comparison against an event, which takes seconds at worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestInvalid:
    """Refused: what is wrong with the request or with the rules it names, each as (JSON pointer, sentence)."""

    code: str
    mistakes: list[Mistake]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionUnknown:
    """Refused: the project has no such version."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ruleset: Any = None
    ruleset_version: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] | None = Field(
        default=None, alias="rulesetVersion"
    )
    events: Annotated[tuple[TestEvent, ...], Field(max_length=MAX_EVENTS)]
    traits: dict[str, Any] = {}
    as_of: Moment | None = Field(default=None, alias="asOf")


def try_rules(project_id: UUID, data: object) -> Simulation | RequestInvalid | VersionUnknown:
    """Return where a lead with these events, given as the API takes them, would end; nothing is stored."""
    too_much = measure(data)
    if too_much:
        return RequestInvalid(code="invalid", mistakes=too_much)
    try:
        request = _Request.model_validate(data)
    except ValidationError as error:
        return RequestInvalid(code="invalid", mistakes=from_validation(error, data))
    if request.ruleset is not None and request.ruleset_version is not None:
        reason = "does not go with ruleset: give one of them, or none for the draft"
        return RequestInvalid(code="invalid", mistakes=[("/rulesetVersion", reason)])
    rules = _rules(project_id, request)
    if not isinstance(rules, Ruleset):
        return rules
    count = sum(1 + count_comparisons(rule.when) for card in rules.spec.scorecards for rule in card.rules)
    if count * len(request.events) > MAX_CHECKS:
        reason = f"are too many for {count:,} rules and conditions: at most {MAX_CHECKS // count:,} at once"
        return RequestInvalid(code="too_many_events", mistakes=[("/events", reason)])
    return simulate(rules, _events(request.events), traits=request.traits, as_of=request.as_of)


def _rules(project_id: UUID, request: _Request) -> Ruleset | RequestInvalid | VersionUnknown:
    number = 0
    try:
        if request.ruleset is not None:
            spec: RulesetSpec = parse_ruleset(request.ruleset)
        elif request.ruleset_version is not None:
            number = request.ruleset_version
            version = RulesetVersion.objects.filter(project=project_id, number=number).first()
            if version is None:
                return VersionUnknown()
            spec = parse_ruleset(version.content)
        else:
            spec = draft_of(project_id)
    except RulesetInvalid as invalid:
        if request.ruleset is None:
            return RequestInvalid(code="invalid_draft", mistakes=invalid.errors)
        mistakes = [(f"/ruleset{pointer}", detail) for pointer, detail in invalid.errors]
        return RequestInvalid(code="invalid_ruleset", mistakes=mistakes)
    return compile_ruleset(spec, number=number, time_zone=time_zone_of(project_id))


def _events(events: tuple[TestEvent, ...]) -> list[ScorableEvent]:
    """Return the events as the engine takes them; an eventId that was there already changes nothing, as in the log."""
    scorable: dict[str, ScorableEvent] = {}
    for index, event in enumerate(events):
        key = event.event_id or f"\0{index:06d}"
        scorable.setdefault(
            key,
            ScorableEvent(
                key=event.event_id or "",
                event_id=key,
                event_type=event.event_type,
                occurred_at=event.timestamp,
                properties=event.properties,
                traits=event.traits,
                context=event.context,
            ),
        )
    return list(scorable.values())
