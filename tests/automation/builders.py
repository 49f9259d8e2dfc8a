"""What the tests of automations begin with."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from automation.models import Action, Automation, Delivery
from automation.services.runs import record_runs
from ingest.ids import new_id
from ingest.models import Event, Lead, Project
from scoring.signals import LeadOutcome, ScoredEvent, StageCrossing
from tests.builders import T0, make_lead, make_project


def make_automation(project: Project, *actions: dict[str, Any], **values: Any) -> Automation:
    automation = Automation.objects.create(project=project, **{"name": "Hot lead", "to_stage": "hot", **values})
    for position, action in enumerate(actions):
        Action.objects.create(automation=automation, position=position, **action)
    return automation


def make_event(lead: Lead, event_type: str = "demo_request", **values: Any) -> ScoredEvent:
    event = Event.objects.create(
        project=lead.project,
        lead=lead,
        event_id=str(new_id()),
        event_type=event_type,
        occurred_at=T0,
        received_at=T0,
        **values,
    )
    return ScoredEvent(key=event.pk, event_type=event_type, occurred_at=event.occurred_at)


def crossing(cause: ScoredEvent, old: str, new: str, old_score: int | str, new_score: int | str) -> StageCrossing:
    return StageCrossing(
        scorecard="Engagement",
        old_stage=old,
        new_stage=new,
        old_score=Decimal(old_score),
        new_score=Decimal(new_score),
        cause=cause,
    )


def outcome(lead: Lead, *events: ScoredEvent, crossings: tuple[StageCrossing, ...] = ()) -> LeadOutcome:
    return LeadOutcome(
        project_id=lead.project_id,
        lead_id=lead.pk,
        score=crossings[-1].new_score if crossings else Decimal(0),
        stage=crossings[-1].new_stage if crossings else "cold",
        events=events,
        crossings=crossings,
    )


def outcome_of_getting_hot(lead: Lead, **event_values: Any) -> LeadOutcome:
    event = make_event(lead, **event_values)
    return outcome(lead, event, crossings=(crossing(event, "cold", "hot", 5, 55),))


def make_due(*actions: dict[str, Any], lead_values: dict[str, Any] | None = None, **values: Any) -> Lead:
    """Return a lead for which an automation with these actions has just fired."""
    project = make_project()
    lead = make_lead(project, **(lead_values or {}))
    make_automation(project, *actions, **values)
    record_runs([outcome_of_getting_hot(lead)])
    return lead


def only_delivery() -> Delivery:
    return Delivery.objects.get()


def delivery(delivery_id: UUID) -> Delivery:
    return Delivery.objects.get(pk=delivery_id)
