"""Which automations an outcome sets off. Values in, values out: nothing here reads a database or a clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from scoring.core.points import to_number

if TYPE_CHECKING:
    from scoring.signals import Fading, LeadOutcome, ScoredEvent, StageCrossing


class Direction(StrEnum):
    """Which way the score must have moved for a stage change to count."""

    EITHER = "either"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTrigger:
    """A stage change of the primary scorecard. An empty stage stands for any."""

    from_stage: str
    to_stage: str
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """An event of one type."""

    event_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One reason to act on a lead. `crossing` is such as `cold>warm`, or empty if an event was it."""

    cause: "ScoredEvent | Fading"
    crossing: str
    old_score: Decimal | None
    new_score: Decimal
    old_stage: str | None
    new_stage: str

    @property
    def facts(self) -> dict[str, object]:
        """Return what was true when it fired, as JSON. Without an event, time was it."""
        return {
            "eventType": getattr(self.cause, "event_type", None),
            "oldScore": None if self.old_score is None else to_number(self.old_score),
            "newScore": to_number(self.new_score),
            "oldStage": self.old_stage,
            "newStage": self.new_stage,
            "occurredAt": self.cause.occurred_at.isoformat().replace("+00:00", "Z"),
        }


def firings(trigger: StageTrigger | EventTrigger, outcome: "LeadOutcome") -> Iterator[Firing]:
    """Yield what in the outcome sets the trigger off, in order. Two stages crossed are two firings."""
    if isinstance(trigger, StageTrigger):
        for crossing in outcome.crossings:
            if _crosses(trigger, crossing):
                yield _of_crossing(crossing, name=f"{crossing.old_stage}>{crossing.new_stage}")
        return
    caused: dict[UUID | str, StageCrossing] = {crossing.cause.key: crossing for crossing in outcome.crossings}
    for event in outcome.events:
        if event.event_type == trigger.event_type:
            yield _of_event(event, outcome, caused)


def _crosses(trigger: StageTrigger, crossing: "StageCrossing") -> bool:
    if trigger.from_stage not in ("", crossing.old_stage) or trigger.to_stage not in ("", crossing.new_stage):
        return False
    if trigger.direction is Direction.EITHER:
        return True
    return (crossing.new_score > crossing.old_score) is (trigger.direction is Direction.UP)


def _of_crossing(crossing: "StageCrossing", *, name: str) -> Firing:
    return Firing(
        cause=crossing.cause,
        crossing=name,
        old_score=crossing.old_score,
        new_score=crossing.new_score,
        old_stage=crossing.old_stage,
        new_stage=crossing.new_stage,
    )


def _of_event(event: "ScoredEvent", outcome: "LeadOutcome", caused: "dict[UUID | str, StageCrossing]") -> Firing:
    if event.key in caused:
        return _of_crossing(caused[event.key], name="")
    # What the lead had just before this event is not told; what it has now is.
    return Firing(
        cause=event,
        crossing="",
        old_score=None,
        new_score=outcome.score,
        old_stage=None,
        new_stage=outcome.stage,
    )
