"""What a lead's scores were, are or will be at a moment: a fold of its log, so it can say what nobody wrote down.

Two times tell a moment apart. `as_of` is event time: what had happened by then. `known_at` is ours: only events
received and versions of the rules published by then. The state as of a moment is the fold of the events up to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ingest.models import Event, Lead
from ingest.selectors import LogRow
from scoring import selectors
from scoring.core import engine
from scoring.core.explain import Note
from scoring.core.grade import grade
from scoring.core.timeline import Timeline
from scoring.log import logs_of, note_of, scorable
from scoring.models import ScoreEntry
from scoring.selectors import CardScore, LeadView
from scoring.services.projection import fold_what_can_be, rules_of
from scoring.timelines import timeline_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When to look at a lead. `as_of` may lie ahead: it is then what comes if nothing happens until then.

    Without `as_of`: all that is known, which may hold an event a little ahead, because clocks differ.
    """

    now: datetime
    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def is_now(self) -> bool:
        return self.as_of is None and self.known_at is None

    @property
    def time(self) -> datetime:
        return self.as_of or self.known_at or self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadThen:
    """A lead at a moment: its scores, the ledger that led there, and the events behind it."""

    lead: Lead
    time: datetime
    timeline: Timeline
    state: engine.LeadState
    entries: list[engine.Entry]
    rows: list[LogRow]

    @property
    def notes(self) -> Mapping[UUID, Note]:
        """Return what people said of their adjustments, by the key of the event."""
        return {row[0]: note_of(row) for row in self.rows if row[3] == Event.Kind.ADJUSTMENT}


def lead_then(lead: Lead, moment: Moment, *, timeline: Timeline | None = None) -> LeadThen:
    """Return a lead at a moment. Three queries; the work grows with the lead's log.

    `timeline`: as known at that moment, from callers that have asked for it already.
    """
    timeline = timeline or timeline_of(lead.project_id, known_at=moment.known_at)
    rows = logs_of([lead.pk], received_by=moment.known_at)[lead.pk]
    if moment.as_of is not None:
        rows = [row for row in rows if row[5] <= moment.as_of]
    events = [scorable(row) for row in rows]
    folded, _ = fold_what_can_be(timeline, engine.initial_state(timeline), events, now=moment.time)
    return LeadThen(
        lead=lead, time=moment.time, timeline=timeline, state=folded.state, entries=folded.entries, rows=rows
    )


def view_then(then: LeadThen) -> LeadView:
    """Return how a lead stood then; who it is, is told as of today."""
    happened = [row[5] for row in then.rows if row[3] == Event.Kind.ACTIVITY]
    day_before = then.time - timedelta(hours=24)
    return _view(
        then.lead,
        then.timeline,
        then.state,
        events_last_24h=sum(day_before < at for at in happened),
        last_event_at=max(happened, default=None),
    )


def entries_then(then: LeadThen, *, scorecard: str | None = None) -> list[ScoreEntry]:
    """Return the ledger of one scorecard (the primary one) as it was, in its order. They are not stored."""
    name = scorecard or then.timeline.latest.primary.name
    return [_unsaved(then.lead, entry) for entry in then.entries if entry.scorecard == name]


def view_now(lead: Lead, *, now: datetime) -> LeadView:
    """Return a lead as it stands at this very second, though its next fading may not have been written yet."""
    return standing_now(lead, now=now)[0]


def standing_now(lead: Lead, *, now: datetime, timeline: Timeline | None = None) -> tuple[LeadView, engine.LeadState]:
    """Return a lead as it stands at this very second, and the state it is in."""
    timeline = timeline or timeline_of(lead.project_id)
    standing = selectors.standings_of([lead.pk]).get(lead.pk)
    view = selectors.lead_view(lead, now=now, timeline=timeline, standing=standing)
    if standing is None:
        return view, engine.initial_state(timeline)
    state = engine.load_state(timeline, standing.state)
    due = standing.next_change_at is not None and standing.next_change_at <= now
    if not due or not engine.fits(timeline, state):
        return view, state
    state = engine.fold(timeline, state, (), until=now).state
    shown = _view(lead, timeline, state, events_last_24h=view.events_last_24h, last_event_at=view.last_event_at)
    return shown, state


def _view(
    lead: Lead,
    timeline: Timeline,
    state: engine.LeadState,
    *,
    events_last_24h: int,
    last_event_at: datetime | None,
) -> LeadView:
    ruleset = timeline.latest
    cards = tuple(
        CardScore(scorecard=card.name, score=state.cards[card.name].score, stage=state.cards[card.name].stage)
        for card in ruleset.cards
    )
    primary = state.cards[ruleset.primary.name]
    return LeadView(
        lead=lead,
        score=primary.score,
        stage=primary.stage,
        cards=cards,
        grade=grade(ruleset, {card.scorecard: card.stage for card in cards}),
        events_last_24h=events_last_24h,
        last_event_at=last_event_at,
    )


def _unsaved(lead: Lead, entry: engine.Entry) -> ScoreEntry:
    return ScoreEntry(
        project_id=lead.project_id,
        lead_id=lead.pk,
        scorecard=entry.scorecard,
        sequence=entry.sequence,
        kind=entry.kind,
        event_id=entry.event_key,
        client_event_id=entry.event_id or "",
        event_type=entry.event_type or "",
        occurred_at=entry.occurred_at,
        delta=entry.delta,
        old_score=entry.old_score,
        new_score=entry.new_score,
        old_stage=entry.old_stage,
        new_stage=entry.new_stage,
        rules=rules_of(entry),
        ruleset_version=entry.ruleset_version,
    )
