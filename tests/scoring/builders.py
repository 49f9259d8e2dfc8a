"""What the tests of scoring begin with: events of leads, stored and drained the way they are in production."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Identifier, Lead, PendingEvent, Project
from ingest.services.events import record
from ingest.services.projects import create_project
from scoring.core.ruleset import parse_ruleset
from scoring.models import LeadScore, LeadState, ScoreEntry
from scoring.services.draft import replace_draft
from scoring.services.rulesets import Published, freeze_draft
from scoring.signals import LeadOutcome, scored
from tests import builders

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=30)
LEDGER = (
    "id", "lead", "scorecard", "sequence", "kind", "event", "client_event_id", "event_type", "occurred_at", "delta",
    "old_score", "new_score", "old_stage", "new_stage", "rules", "ruleset_version",
)  # fmt: skip


def make_project(name: str = "Acme") -> Project:
    return create_project(name, now=NOON)


def event(
    event_type: str, at: datetime = NOON, *, user: str = "ada", event_id: str | None = None, **properties: Any
) -> IncomingEvent:
    return IncomingEvent(
        event_id=event_id, event_type=event_type, names=(Name("user_id", user),), timestamp=at, properties=properties
    )


def take_in(project: Project, *events: IncomingEvent, now: datetime = LATER) -> None:
    """Store events in one request, without scoring them."""
    record(project.pk, events, now=now)


def drain_all(now: datetime = LATER) -> int:
    """Score until nothing is due, long after everything happened; return how many batches that took."""
    return builders.drain_all(now)


def track(project: Project, *events: IncomingEvent) -> None:
    """Store events in one request and score them."""
    take_in(project, *events)
    drain_all()


def lead_of(project: Project, user: str = "ada") -> Lead:
    return Identifier.objects.select_related("lead").get(project=project, value=user).lead


def standing(project: Project, user: str = "ada", scorecard: str = "Engagement") -> tuple[Any, str]:
    score = LeadScore.objects.get(lead=lead_of(project, user), scorecard=scorecard)
    return score.score, score.stage


def history(project: Project, user: str = "ada") -> list[tuple[str, Any, Any]]:
    entries = ScoreEntry.objects.filter(lead=lead_of(project, user)).order_by("scorecard", "sequence")
    return list(entries.values_list("event_type", "old_score", "new_score"))


def ledger() -> list[tuple[Any, ...]]:
    """Return every stored entry, with its id: equal ledgers have not been written again."""
    return list(ScoreEntry.objects.order_by("lead", "scorecard", "sequence").values_list(*LEDGER))


def projections() -> dict[str, Any]:
    """Return all that scoring stores of leads, as a rebuild must give it again, but for the ids of its rows."""
    return {
        "entries": [row[1:] for row in ledger()],
        "scores": list(
            LeadScore.objects.order_by("lead", "scorecard").values_list("lead", "scorecard", "score", "stage")
        ),
        "states": list(LeadState.objects.order_by("lead").values_list("lead", "state", "last_event_at")),
    }


def pending() -> int:
    return PendingEvent.objects.count()


def put_in_force(
    project: Project, *scorecards: dict[str, Any], applies_from: datetime | None = None, now: datetime = NOON
) -> int:
    """Publish these rules and return their version; nothing is rescored."""
    replace_draft(project.pk, parse_ruleset({"scorecards": list(scorecards)}))
    outcome = freeze_draft(project.pk, by=None, note="", applies_from=applies_from, now=now)
    assert isinstance(outcome, Published)
    return outcome.version.number


def scorecard(name: str = "Engagement", **points: int) -> dict[str, Any]:
    return {
        "name": name,
        "rules": [{"name": event_type, "event": event_type, "points": worth} for event_type, worth in points.items()],
    }


@dataclass
class Listener:
    """Hears what scoring tells the apps above it."""

    outcomes: list[LeadOutcome] = field(default_factory=list)

    def __enter__(self) -> Self:
        scored.connect(self.hear)
        return self

    def __exit__(self, *_: object) -> None:
        scored.disconnect(self.hear)

    def hear(self, outcomes: Sequence[LeadOutcome], **_: Any) -> None:
        self.outcomes += outcomes

    @property
    def crossings(self) -> list[tuple[str, str, str]]:
        """Return each crossing as (old stage, new stage, type of the event that caused it)."""
        return [
            (crossing.old_stage, crossing.new_stage, getattr(crossing.cause, "event_type", "fading"))
            for outcome in self.outcomes
            for crossing in outcome.crossings
        ]

    @property
    def attributed(self) -> list[UUID]:
        return [event.key for outcome in self.outcomes for event in outcome.events]
