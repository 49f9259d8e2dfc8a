"""The engine: state = fold(timeline, events in order, until), and the ledger entries on the way.

Whatever the order of arrival and the batches, the same events give the same state and the same entries; a
state is advanced only to the last event or to `until`, and looking at it never changes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from scoring.core.cardfold import CardFold
from scoring.core.entry import Entry, Key, RuleHit
from scoring.core.ruleset import Ruleset
from scoring.core.state import (
    CardState,
    LeadState,
    dump_state,
    fits,
    initial_state,
    load_state,
    position,
)
from scoring.core.timeline import Timeline

__all__ = [
    "CardState",
    "Entry",
    "FoldFailed",
    "Folded",
    "LateEvent",
    "LeadState",
    "RuleHit",
    "ScorableEvent",
    "dump_state",
    "fits",
    "fold",
    "initial_state",
    "load_state",
    "next_change_at",
    "position",
]

EMPTY: Mapping[str, Any] = {}
in_order = attrgetter("occurred_at", "event_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorableEvent:
    """One event of the log as the engine needs it.

    `key` is by what the caller knows it, `event_id` the client's id, which breaks ties of `occurred_at` by code
    point. `points` (and the scorecard they go to, by default the primary one) make it an adjustment, which no
    rule looks at. `told` is what somebody entered about the lead rather than what the lead did: only scorecards
    that follow traits look at it.
    """

    key: Key
    event_id: str
    event_type: str
    occurred_at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    points: Decimal | None = None
    scorecard: str | None = None
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What a fold gives: the new state and the entries made on the way to it."""

    state: LeadState
    entries: list[Entry]


class FoldFailed(Exception):
    """Applying one event raised (the cause says what): set it aside and fold the rest again."""

    def __init__(self, event_key: Key, event_id: str) -> None:
        super().__init__(f"Event {event_id} could not be applied.")
        self.event_key = event_key
        self.event_id = event_id


class LateEvent(ValueError):
    """An event belongs before the state's position: the lead must be folded again from the log."""


def fold(
    timeline: Timeline, state: LeadState, events: Iterable[ScorableEvent], *, until: datetime | None = None
) -> Folded:
    """Return the state after the events up to `until` (without it: all), and the entries that led there.

    Raises LateEvent when an event is not after the state's position, FoldFailed when applying one raises.
    """
    ordered = sorted(events, key=in_order)
    if ordered and state.applied is not None and in_order(ordered[0]) <= state.applied:
        raise LateEvent(f"Event {ordered[0].event_id} is not after {state.applied[0].isoformat()}.")
    work = _LeadFold(timeline, state)
    for event in ordered:
        if until is not None and event.occurred_at > until:
            break
        try:
            work.apply(event)
        except Exception as error:
            raise FoldFailed(event.key, event.event_id) from error
    return work.finish(until)


def next_change_at(timeline: Timeline, state: LeadState) -> datetime | None:
    """Return when the next entry is made if nothing else happens, None when none ever is."""
    work = _LeadFold(timeline, state)
    changes = (work.card(name).first_change() for name, card in state.cards.items() if card.fades)
    return min((change for change in changes if change is not None), default=None)


class _LeadFold:
    """A fold under way: the lead's scorecards, copied when first touched, and the entries so far."""

    __slots__ = ("cards", "entries", "keys", "last", "open", "state", "timeline", "traits")

    def __init__(self, timeline: Timeline, state: LeadState) -> None:
        self.timeline = timeline
        self.state = state
        self.cards = _known_cards(timeline, state)
        self.open: dict[str, CardFold] = {}
        self.entries: list[Entry] = []
        self.keys = state.trait_keys
        self.traits: Mapping[str, Any] = state.traits
        self.last: ScorableEvent | None = None

    def card(self, name: str) -> CardFold:
        """Return the work on one scorecard."""
        work = self.open.get(name)
        if work is None:
            state = self.cards.get(name)
            if state is None:
                card = next(r.by_name[name] for _, r in self.timeline.versions if name in r.by_name)
                state = CardState.untouched(card)
            work = self.open[name] = CardFold(self.timeline, state.copy(), self.entries)
        return work

    def apply(self, event: ScorableEvent) -> None:
        """Apply one event to every scorecard it concerns."""
        timeline = self.timeline
        ruleset = timeline.only or timeline.at(event.occurred_at)
        if event.traits and self.keys:
            self._learn(event.traits)
        traits = self.traits
        if event.points is not None:
            self._adjust(ruleset, event)
        else:
            for plan in () if event.told else ruleset.plans.get(event.event_type, ruleset.plans_of_any):
                card = plan.card
                if plan.simple:
                    (self.open.get(card.name) or self.card(card.name)).add(card, event, plan.total, plan.hits)
                    continue
                matched = [rule for rule in plan.rules if rule.always or rule.matches(event, traits)]
                if matched:
                    self.card(card.name).score(card, ruleset, event, matched, traits)
            if event.traits:
                for card in ruleset.trait_cards:
                    self.card(card.name).follow_traits(card, event, traits)
        self.last = event

    def _learn(self, traits: Mapping[str, Any]) -> None:
        known = {key: value for key, value in traits.items() if key in self.keys}
        if known:
            self.traits = {**self.traits, **known}

    def _adjust(self, ruleset: Ruleset, event: ScorableEvent) -> None:
        card = ruleset.primary if event.scorecard is None else ruleset.by_name.get(event.scorecard)
        if card is not None:
            self.card(card.name).adjust(card, event)

    def finish(self, until: datetime | None) -> Folded:
        """Bring every scorecard to the end of the fold and return what came of it."""
        ends = [at for at in (until, self.last and self.last.occurred_at) if at]
        if ends:
            self._advance(max(ends))
        state = self.state
        applied = state.applied if self.last is None else in_order(self.last)
        for work in self.open.values():
            if work.state.version is not None:
                self.cards[work.state.name] = work.state
            if work.decayed_at is not None and (applied is None or (work.decayed_at, "") > applied):
                applied = (work.decayed_at, "")
        if len(self.cards) > 1 and len(self.entries) > 1:
            self.entries.sort(key=_in_ledger)
        return Folded(
            state=LeadState(
                cards=self.cards,
                traits=dict(self.traits),
                trait_keys=self.keys,
                applied=applied,
                version=None if applied is None else self.timeline.at(applied[0]).number,
                newest=self.timeline.latest.number,
            ),
            entries=self.entries,
        )

    def _advance(self, end: datetime) -> None:
        for name, state in self.cards.items():
            if state.fades:
                self.card(name)
        for work in self.open.values():
            work.advance(end)


def _known_cards(timeline: Timeline, state: LeadState) -> dict[str, CardState]:
    """Return the states of all scorecards, untouched ones as the newest version has them."""
    if state.newest == timeline.latest.number:
        return dict(state.cards)
    cards = {card.name: CardState.untouched(card) for card in timeline.latest.cards}
    return cards | {name: card for name, card in state.cards.items() if card.version is not None}


def _in_ledger(entry: Entry) -> tuple[datetime, bool, str, str]:
    """The order of a lead's whole ledger: at one moment fading and expiry come before events."""
    return entry.occurred_at, entry.kind != "decay", entry.event_id or "", entry.scorecard
