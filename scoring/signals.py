"""The seam above scoring: what the apps that act on scores are told.

`scored` is sent inside the transaction that scores a batch of leads, be it for new events or because time has passed,
so what a receiver writes commits with the scores. It is not sent by a rescore, nor for events that were
imported quietly: the past is no reason to act.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.dispatch import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredEvent:
    """An event that was pending and has now been scored."""

    key: UUID
    event_type: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fading:
    """Time itself: points of a scorecard faded or expired at this moment, without any event."""

    scorecard: str
    occurred_at: datetime

    @property
    def key(self) -> str:
        """Return what names it, the same however often the lead is folded: `decay:<scorecard>:<time>`."""
        return f"decay:{self.scorecard}:{self.occurred_at.astimezone(UTC).isoformat(timespec='microseconds')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCrossing:
    """A stage the lead left for another. `cause` is the event of this batch that brought it about, or time."""

    scorecard: str
    old_stage: str
    new_stage: str
    old_score: Decimal
    new_score: Decimal
    cause: ScoredEvent | Fading


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadOutcome:
    """What scoring one batch did to one lead. `crossings` are those of the primary scorecard, in order."""

    project_id: UUID
    lead_id: UUID
    score: Decimal
    stage: str
    events: tuple[ScoredEvent, ...]
    crossings: tuple[StageCrossing, ...]


scored = Signal()  # sent with `outcomes: Sequence[LeadOutcome]`
previewed = Signal()
"""Sent with `project_id` and `tally: Tally` when a preview is complete; receivers return what to add to its result."""
