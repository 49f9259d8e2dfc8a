"""Record which automations fired, inside the transaction that scores, so that runs commit with scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import prefetch_related_objects
from django.utils import timezone

from automation.core.ids import derived_id
from automation.core.triggers import Direction, EventTrigger, Firing, StageTrigger, firings
from automation.models import Automation, Delivery, Run
from automation.wake import wake_deliveries
from ingest import database
from ingest.ids import first_id_at
from scoring.signals import Fading, LeadOutcome

_RUN_FIELDS = (
    "id", "project", "automation", "lead", "cause", "crossing", "facts", "occurred_at", "created_at",
)  # fmt: skip
_DELIVERY_FIELDS = (
    "id", "run", "action", "kind", "status", "attempts", "due_at", "detail", "delivered_at",
)  # fmt: skip


def record_runs(outcomes: Sequence[LeadOutcome]) -> int:
    """Store a run and its deliveries for all that fired and return how many fired.

    One query when nothing fires, four statements otherwise, whatever the batch holds.
    Recording the same outcomes again changes nothing. Must be called inside a unit of work.
    """
    fired = _fired(outcomes)
    if not fired:
        return 0
    now = timezone.now()
    runs = {each.run_id: each for each in fired}
    database.insert_missing_rows(Run, _RUN_FIELDS, [each.run_row(now) for each in runs.values()], unique=("id",))
    database.insert_missing_rows(
        Delivery,
        _DELIVERY_FIELDS,
        [row for each in runs.values() for row in each.delivery_rows(now)],
        unique=("run", "action"),
    )
    database.on_commit(wake_deliveries)
    return len(fired)


def trigger_of(automation: Automation) -> StageTrigger | EventTrigger:
    """Return what sets the automation off."""
    if automation.trigger == Automation.Trigger.EVENT:
        return EventTrigger(event_type=automation.event_type)
    return StageTrigger(
        from_stage=automation.from_stage,
        to_stage=automation.to_stage,
        direction=Direction(automation.direction),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fired:
    automation: Automation
    lead_id: UUID
    firing: Firing

    @property
    def run_id(self) -> UUID:
        cause = self.firing.cause
        # An event's id holds when it was received; fading has no row, but a moment.
        origin = first_id_at(cause.occurred_at) if isinstance(cause, Fading) else cause.key
        return derived_id(origin, str(self.automation.pk), str(self.lead_id), self.firing.crossing)

    def run_row(self, now: datetime) -> tuple[object, ...]:
        cause = self.firing.cause
        return (
            self.run_id,
            self.automation.project_id,
            self.automation.pk,
            self.lead_id,
            str(cause.key),
            self.firing.crossing,
            self.firing.facts,
            cause.occurred_at,
            now,
        )

    def delivery_rows(self, now: datetime) -> list[tuple[object, ...]]:
        actions = [action for action in self.automation.actions.all() if action.active]
        # Sorting by id keeps the actions' order: an owner is chosen before they are written to.
        return [
            (
                derived_id(self.run_id, str(action.pk), place=place),
                self.run_id,
                action.pk,
                action.kind,
                Delivery.Status.PENDING.value,
                0,
                now,
                "",
                None,
            )
            for place, action in enumerate(actions)
        ]


def _fired(outcomes: Sequence[LeadOutcome]) -> list[_Fired]:
    automations = _automations_by_project({outcome.project_id for outcome in outcomes})
    fired = [
        _Fired(automation=automation, lead_id=outcome.lead_id, firing=firing)
        for outcome in outcomes
        for automation in automations.get(outcome.project_id, ())
        for firing in firings(trigger_of(automation), outcome)
    ]
    prefetch_related_objects([each.automation for each in fired], "actions")
    return fired


def _automations_by_project(project_ids: set[UUID]) -> dict[UUID, list[Automation]]:
    found: dict[UUID, list[Automation]] = {}
    for automation in Automation.objects.filter(project__in=project_ids, active=True).order_by("id"):
        found.setdefault(automation.project_id, []).append(automation)
    return found
