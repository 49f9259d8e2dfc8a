"""What scoring a lead did to it, for those who act on scores: its events, and the stages it crossed and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from ingest.selectors import LogRow
from scoring.core import engine
from scoring.core.engine import Entry
from scoring.core.stages import stage_path
from scoring.core.timeline import Timeline
from scoring.services.projection import Projection
from scoring.signals import Fading, LeadOutcome, ScoredEvent, StageCrossing


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Where a lead stood before a batch: its stage on the primary scorecard, and how far it was folded."""

    stage: str
    place: tuple[datetime, str] | None

    @classmethod
    def of(cls, timeline: Timeline, state: engine.LeadState) -> Self:
        return cls(stage=state.cards[timeline.latest.primary.name].stage, place=engine.position(state))

    @classmethod
    def scored(cls, stage: str, *, now: datetime) -> Self:
        """Where a lead stood whose state is of no use: nothing that time has done by now is new."""
        return cls(stage=stage, place=(now, ""))


def outcome_of(done: Projection, before: Before, rows: Sequence[LogRow]) -> LeadOutcome:
    """Return what happened to a lead when these events, or only time, were applied."""
    events = {
        row[0]: ScoredEvent(key=row[0], event_type=row[4], occurred_at=row[5])
        for row in sorted(rows, key=lambda row: (row[5], row[1]))
        if row[0] not in done.failures
    }
    return LeadOutcome(
        project_id=done.project_id,
        lead_id=done.lead_id,
        score=done.primary.score,
        stage=done.primary.stage,
        events=tuple(events.values()),
        crossings=crossings_of(done, before, events),
    )


def crossings_of(done: Projection, before: Before, events: Mapping[UUID, ScoredEvent]) -> tuple[StageCrossing, ...]:
    """Return the crossings of the primary scorecard, each with which of these events, by key, brought it about."""
    primary = done.primary.name
    chain = [entry for entry in done.entries if entry.scorecard == primary]
    return tuple(
        StageCrossing(
            scorecard=primary,
            old_stage=crossing.old,
            new_stage=crossing.new,
            old_score=crossing.entry.old_score,
            new_score=crossing.entry.new_score,
            cause=cause,
        )
        for crossing in stage_path(before.stage, chain, in_order=not done.rebuilt, after=done.primary.stage)
        if (cause := _cause(crossing.entry, before, events)) is not None
    )


def _cause(entry: Entry, before: Before, events: Mapping[UUID, ScoredEvent]) -> ScoredEvent | Fading | None:
    """Return what brought a crossing about, None when nothing new did.

    Time, where its moment had not been reached before. An older entry to which a refold has moved the crossing is no
    cause: that is the event that made the refold necessary, which is the newest of the batch.
    """
    if entry.event_key is not None and entry.event_key in events:
        return events[entry.event_key]
    if entry.kind == "decay" and (before.place is None or (entry.occurred_at, "") > before.place):
        return Fading(scorecard=entry.scorecard, occurred_at=entry.occurred_at)
    return next(reversed(list(events.values())), None)
