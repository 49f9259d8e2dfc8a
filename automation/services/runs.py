"""Record which automations fired, inside the transaction that scores, so that runs commit with scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from automation.core.ids import derived_id
from automation.core.triggers import Direction, EventTrigger, Firing, StageTrigger, firings
from automation.models import Automation, Delivery, Run
from automation.wake import wake_deliveries
from scoring.signals import LeadOutcome


def record_runs(outcomes: Sequence[LeadOutcome]) -> int:
    """Store a run and its deliveries for all that fired and return how many fired.

    One query when nothing fires, four statements otherwise, whatever the batch holds.
    Recording the same outcomes again changes nothing.
    """
    fired = _fired(outcomes)
    if not fired:
        return 0
    now = timezone.now()
    runs = [each.run(now) for each in fired]
    deliveries = [
        delivery for each, run in zip(fired, runs, strict=True) for delivery in each.deliveries(run, now)
    ]
    Run.objects.bulk_create(runs, ignore_conflicts=True)
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    transaction.on_commit(wake_deliveries, robust=True)
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

    def run(self, now: datetime) -> Run:
        cause = self.firing.cause
        return Run(
            id=derived_id(cause.key, str(self.automation.pk), str(self.lead_id), self.firing.crossing),
            project_id=self.automation.project_id,
            automation=self.automation,
            lead_id=self.lead_id,
            cause=str(cause.key),
            crossing=self.firing.crossing,
            facts=self.firing.facts,
            occurred_at=cause.occurred_at,
            created_at=now,
        )

    def deliveries(self, run: Run, now: datetime) -> list[Delivery]:
        actions = [action for action in self.automation.actions.all() if action.active]
        # Sorting by id keeps the actions' order: an owner is chosen before they are written to.
        return [
            Delivery(
                id=derived_id(run.id, str(action.pk), place=place),
                run=run,
                action=action,
                kind=action.kind,
                due_at=now,
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
