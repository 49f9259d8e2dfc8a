"""The fold of one scorecard: events, expiries and fading in the order of time.

Before anything happens to a scorecard, what fell due until then happens first, and the version of the
rules in force at that time takes hold.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any, Protocol

from scoring.core.caps import days_after, limit_group, refuse, share
from scoring.core.decay import fade, left_of, next_step
from scoring.core.entry import Entry, Key, Kind, write_entry
from scoring.core.points import in_words, to_hundredths, to_points
from scoring.core.ruleset import Card, Rule, RuleHit, Ruleset
from scoring.core.state import CardState, Pending
from scoring.core.timeline import Timeline


class Happening(Protocol):
    """An event, as far as a scorecard looks at it."""

    @property
    def key(self) -> Key: ...
    @property
    def event_id(self) -> str: ...
    @property
    def event_type(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def context(self) -> Mapping[str, Any]: ...
    @property
    def points(self) -> Decimal | None: ...


class CardFold:
    """One scorecard's state while it is being folded, and the ledger its entries go to."""

    __slots__ = ("decayed_at", "entries", "state", "timeline")

    def __init__(self, timeline: Timeline, state: CardState, entries: list[Entry]) -> None:
        self.timeline = timeline
        self.state = state
        self.entries = entries
        self.decayed_at: datetime | None = None

    def add(self, card: Card, event: Happening, total: int, hits: tuple[RuleHit, ...]) -> None:
        """Add the points of rules that nothing but floor and cap limits."""
        state = self.state
        if state.version != card.number or state.pending or card.half_life is not None:
            self._prepare(card, event.occurred_at)
        new = state.hundredths + total
        if new > card.cap or new < card.floor:
            new, hits = self._clamp(card, new, hits)
        self._record(card, event, new, hits)

    def _clamp(self, card: Card, new: int, hits: tuple[RuleHit, ...]) -> tuple[int, tuple[RuleHit, ...]]:
        new = max(card.floor, min(card.cap, new))
        parts = [to_hundredths(hit.points) for hit in hits]
        applied = share(parts, sum(parts) - (new - self.state.hundredths))
        return new, tuple(
            hit if rest == part else _limited(hit.name, hit.points, rest, None, card)
            for hit, part, rest in zip(hits, parts, applied, strict=True)
        )

    def score(
        self,
        card: Card,
        ruleset: Ruleset,
        event: Happening,
        rules: Sequence[Rule],
        traits: Mapping[str, Any],
    ) -> None:
        """Add the points of the rules an event matches, as far as their caps and groups allow."""
        self._prepare(card, event.occurred_at)
        state = self.state
        granted: list[int] = []
        reasons: list[str | None] = []
        filled = dict(state.groups)
        for rule in rules:
            points, reason = rule.points, None
            if rule.cap is not None:
                reason = refuse(state.counters, rule.name, rule.cap, event=event, traits=traits, zone=ruleset.zone)
            if reason is not None:
                points = 0
            elif rule.group is not None:
                already = filled.get(rule.group, 0)
                points, reason = limit_group(rule.group, points, already=already, most=card.groups[rule.group])
                filled[rule.group] = already + points
            granted.append(points)
            reasons.append(reason)
        total = sum(granted)
        new = max(card.floor, min(card.cap, state.hundredths + total))
        applied = share(granted, total - (new - state.hundredths))
        self._keep(rules, applied, event.occurred_at)
        hits = tuple(
            rule.hits[0] if part == rule.points else _limited(rule.name, rule.hits[0].points, part, reason, card)
            for rule, part, reason in zip(rules, applied, reasons, strict=True)
        )
        self._record(card, event, new, hits)

    def _keep(self, rules: Sequence[Rule], applied: list[int], at: datetime) -> None:
        """Remember what the points will be needed for: to leave on their day, and to fill their group."""
        state = self.state
        for index, (rule, part) in enumerate(zip(rules, applied, strict=True)):
            if part == 0:
                continue
            if rule.group is not None:
                state.groups[rule.group] = state.groups.get(rule.group, 0) + part
            if rule.expires_after_days is not None:
                due = days_after(at, rule.expires_after_days)
                if due is not None:
                    days = rule.expires_after_days
                    heappush(state.pending, Pending(due, state.sequence, index, rule.name, part, days, rule.group))

    def adjust(self, card: Card, event: Happening) -> None:
        """Add the points a person gave or took by hand."""
        self._prepare(card, event.occurred_at)
        state = self.state
        points = to_hundredths(event.points if event.points is not None else Decimal(0))
        new = max(card.floor, min(card.cap, state.hundredths + points))
        state.adjusted += new - state.hundredths if card.basis == "traits" else 0
        self._record(card, event, new, (), kind="adjustment")

    def follow_traits(self, card: Card, event: Happening, traits: Mapping[str, Any]) -> None:
        """Bring a scorecard of basis traits to the sum of the rules that hold now, if that is a change."""
        state = self.state
        held = {rule.name: rule.points for rule in card.rules if rule.matches(event, traits)}
        new = max(card.floor, min(card.cap, state.adjusted + sum(held.values())))
        old = card.start if state.version is None else state.hundredths
        if held == state.held and new == old:
            return
        self._prepare(card, event.occurred_at)
        names = [name for name in {**state.held, **held} if state.held.get(name) != held.get(name)]
        parts = [held.get(name, 0) - state.held.get(name, 0) for name in names]
        applied = share(parts, sum(parts) - (new - state.hundredths))
        hits = tuple(
            _limited(name, to_points(part), rest, None if rest != part else "", card)
            for name, part, rest in zip(names, parts, applied, strict=True)
        )
        state.held = held
        self._record(card, event, new, hits)

    def advance(self, end: datetime) -> None:
        """Let everything happen that falls due until `end`, and nothing else."""
        while True:
            due = self._next_due()
            if due is None:
                return
            at = self.timeline.resume(self.state.name, due)
            if at is None or at > end:
                return
            self._happen(due, at)

    def first_change(self) -> datetime | None:
        """Return when the next entry is made if no event comes; the state is spent afterwards."""
        count = len(self.entries)
        while True:
            due = self._next_due()
            at = None if due is None else self.timeline.resume(self.state.name, due)
            if due is None or at is None:
                return None
            self._happen(due, at)
            if len(self.entries) > count:
                return self.entries[count].occurred_at

    def _next_due(self) -> datetime | None:
        state = self.state
        step = self._next_step()
        if not state.pending:
            return None if step is None else step[0]
        return state.pending[0].due if step is None else min(step[0], state.pending[0].due)

    def _next_step(self) -> tuple[datetime, int] | None:
        state = self.state
        card = state.card
        if card is None or card.half_life is None or state.anchor_at is None:
            return None
        return next_step(state.hundredths, state.anchor, state.residue, since=state.anchor_at, card=card)

    def _happen(self, due: datetime, at: datetime) -> None:
        card = self.timeline.at(at).by_name[self.state.name]
        step = self._next_step()
        if step is None or step[0] > due:
            self._expire(card, due, at)
        elif self.state.version == card.number:
            self._step(card, step[1], at)
        else:
            self._bring_up(card, at)

    def _step(self, card: Card, score: int, at: datetime) -> None:
        if score == 0:
            self._anchor(0, 0.0, at)
            self.state.pending.clear()
            self.state.groups.clear()
        self._decay(card, score, at, ())

    def _expire(self, card: Card, due: datetime, at: datetime) -> None:
        state = self.state
        leaving: list[tuple[str, int]] = []
        while state.pending and state.pending[0].due == due:
            item = heappop(state.pending)
            if item.group is not None:
                state.groups[item.group] = state.groups.get(item.group, 0) - item.amount
            left = left_of(item.amount, days=item.days, card=card)
            if left:
                leaving.append((item.rule, -left))
        if not leaving:
            return
        self._bring_up(card, at)
        parts = [part for _, part in leaving]
        new = max(card.floor, min(card.cap, state.hundredths + sum(parts)))
        if new == state.hundredths:
            return
        applied = share(parts, sum(parts) - (new - state.hundredths))
        hits = tuple(
            _limited(name, to_points(part), rest, None, card)
            for (name, part), rest in zip(leaving, applied, strict=True)
        )
        self._decay(card, new, at, hits)
        self._anchor(new, _residue(new, state.residue, card), at)

    def _prepare(self, card: Card, at: datetime) -> None:
        """Make the scorecard ready for an event: up to its time, under its rules, at its exact score."""
        if self.state.version is not None:
            self.advance(at)
        self._bring_up(card, at)

    def _bring_up(self, card: Card, at: datetime) -> None:
        """Let the version in force take hold and bring the score in the ledger to the exact one."""
        if self.state.version != card.number:
            self._take_hold(card, at)
        elif card.half_life is None:
            return
        self._settle(card, at)

    def _take_hold(self, card: Card, at: datetime) -> None:
        """Let a version of the rules take hold; what faded until now did so under the one before."""
        state = self.state
        if state.version is None:
            state.hundredths = card.start
            state.stage = card.stages.stage_of(card.start)
            self._anchor(card.start, 0.0, at)
        else:
            before = state.card
            if before is not None and before.half_life is not None and state.anchor_at is not None:
                self._anchor(*fade(state.anchor, state.residue, since=state.anchor_at, until=at, card=before), at)
            else:
                self._anchor(state.hundredths, 0.0, at)
        state.version = card.number
        state.card = card

    def _settle(self, card: Card, at: datetime) -> None:
        """Bring the score from the whole number in the ledger to the exact one, which is anchored anew."""
        state = self.state
        since = state.anchor_at
        if since is None:
            return
        exact, residue = fade(state.anchor, state.residue, since=since, until=at, card=card)
        exact = max(card.floor, min(card.cap, exact))  # a version that has just taken hold may have others
        self._anchor(exact, _residue(exact, residue, card), at)
        if exact != state.hundredths:
            self._decay(card, exact, at, ())

    def _anchor(self, hundredths: int, residue: float, at: datetime) -> None:
        self.state.anchor, self.state.residue, self.state.anchor_at = hundredths, residue, at

    def _decay(self, card: Card, new: int, at: datetime, hits: tuple[RuleHit, ...]) -> None:
        self.decayed_at = at
        self._write(card, "decay", None, at, new, hits)

    def _record(
        self, card: Card, event: Happening, new: int, hits: tuple[RuleHit, ...], *, kind: Kind = "event"
    ) -> None:
        state = self.state
        if card.half_life is not None:
            self._anchor(new, _residue(new, state.residue, card), event.occurred_at)
        self._write(card, kind, event, event.occurred_at, new, hits)

    def _write(
        self,
        card: Card,
        kind: Kind,
        event: Happening | None,
        at: datetime,
        new: int,
        hits: tuple[RuleHit, ...],
    ) -> None:
        state = self.state
        old, old_stage, sequence = state.hundredths, state.stage, state.sequence
        state.hundredths = new
        state.sequence = sequence + 1
        state.stage = new_stage = card.stages.stage_of(new, old_stage)
        self.entries.append(
            write_entry(
                scorecard=state.name,
                sequence=sequence,
                kind=kind,
                event_key=None if event is None else event.key,
                event_id=None if event is None else event.event_id,
                event_type=None if event is None else event.event_type,
                occurred_at=at,
                delta=to_points(new - old),
                old_score=to_points(old),
                new_score=to_points(new),
                old_stage=old_stage,
                new_stage=new_stage,
                rules=hits,
                ruleset_version=card.number,
            )
        )


def _residue(score: int, residue: float, card: Card) -> float:
    """A score that stands at its floor or cap has nothing beyond it."""
    return 0.0 if score in {card.floor, card.cap} else residue


def _limited(name: str, points: Decimal, part: int, reason: str | None, card: Card) -> RuleHit:
    applied = to_points(part)
    if reason is None and applied != points:
        end, bound = ("cap", card.cap) if points > 0 else ("floor", card.floor)
        reason = f"the score is at its {end} of {in_words(to_points(bound))}"
    return RuleHit(name=name, points=points, applied=applied, refused=reason or None)
