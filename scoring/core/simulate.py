"""Trying a ruleset out: what a list of events would score, and whether a ruleset passes its own tests.

Nothing is stored, and nothing is known but what is passed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from scoring.core.engine import Entry, ScorableEvent, fold, initial_state
from scoring.core.points import in_words
from scoring.core.ruleset import Ruleset, RulesetSpec, compile_ruleset
from scoring.core.schema import Expected, TestSpec
from scoring.core.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardResult:
    """Where one scorecard ends."""

    name: str
    score: Decimal
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Where the scorecards end, the primary one first, and the entries on the way."""

    scorecards: tuple[ScorecardResult, ...]
    entries: tuple[Entry, ...]


def simulate(
    rules: RulesetSpec | Ruleset,
    events: Sequence[ScorableEvent],
    *,
    traits: Mapping[str, Any] | None = None,
    as_of: datetime | None = None,
) -> Simulation:
    """Return what events would score under one ruleset, for a lead that has `traits` from the beginning."""
    ruleset = rules if isinstance(rules, Ruleset) else compile_ruleset(rules, number=0, time_zone="UTC")
    timeline = Timeline.build([(None, ruleset)])
    folded = fold(timeline, initial_state(timeline), _with_traits(events, traits or {}), until=as_of)
    cards = [folded.state.cards[card.name] for card in ruleset.cards]
    return Simulation(
        scorecards=tuple(ScorecardResult(name=c.name, score=c.score, stage=c.stage) for c in cards),
        entries=tuple(folded.entries),
    )


def _with_traits(events: Sequence[ScorableEvent], traits: Mapping[str, Any]) -> list[ScorableEvent]:
    """Let the first event carry the traits a lead already has; what it says itself is newer."""
    ordered = sorted(events, key=lambda event: (event.occurred_at, event.event_id))
    if ordered and traits:
        ordered[0] = replace(ordered[0], traits={**traits, **ordered[0].traits})
    return ordered


def run_tests(spec: RulesetSpec, *, time_zone: str = "UTC") -> list[str]:
    """Return in words which of a ruleset's own tests fail, nothing when all pass."""
    return [failure for failures in results_of_tests(spec, time_zone=time_zone) for failure in failures]


def results_of_tests(spec: RulesetSpec, *, time_zone: str = "UTC") -> list[list[str]]:
    """Return for each of a ruleset's tests in words what is not as expected; nothing when it passes."""
    ruleset = compile_ruleset(spec, number=0, time_zone=time_zone)
    return [_run_test(ruleset, test) for test in spec.tests]


def _run_test(ruleset: Ruleset, test: TestSpec) -> list[str]:
    events = [
        ScorableEvent(
            key=str(index),
            event_id=event.event_id or f"{index:06d}",
            event_type=event.event_type,
            occurred_at=event.timestamp,
            properties=event.properties,
            traits=event.traits,
            context=event.context,
        )
        for index, event in enumerate(test.events)
    ]
    result = simulate(ruleset, events, traits=test.traits, as_of=test.as_of)
    found = {card.name: card for card in result.scorecards}
    wanted: dict[str, Expected] = {ruleset.primary.name: test.expect, **test.expect.scorecards}
    failures = _compare(test.name, found[ruleset.primary.name], test.expect)
    for name, expected in wanted.items():
        if expected is not test.expect:
            failures += _compare(test.name, found[name], expected)
    return failures


def _compare(test: str, found: ScorecardResult, expected: Expected) -> list[str]:
    failures = []
    if expected.score is not None and expected.score != found.score:
        wanted, scored = in_words(expected.score), in_words(found.score)
        failures.append(f"“{test}”: {found.name} should score {wanted}, but scores {scored}")
    if expected.stage is not None and expected.stage != found.stage:
        failures.append(f"“{test}”: {found.name} should be {expected.stage}, but is {found.stage}")
    return failures
