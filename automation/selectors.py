"""Read what automations did. Every query starts from a project."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet

from automation.core.reasons import when_it_fires, why_it_fired
from automation.models import Automation, Delivery, Run
from automation.services.runs import trigger_of
from ingest.pages import Page, page_of
from ingest.selectors import members_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationLine:
    """An automation as a list shows it. `when` and the actions are in words."""

    id: UUID
    name: str
    active: bool
    when: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """One action of a run, and how far it has come. `due_at` is when it is tried next."""

    id: UUID
    kind: str
    status: str
    attempts: int
    detail: str
    due_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """What fired, for whom, why, and what came of it."""

    id: UUID
    automation_id: UUID
    automation: str
    lead_id: UUID
    lead_label: str
    why: str
    facts: Mapping[str, object]
    occurred_at: datetime
    fired_at: datetime
    deliveries: tuple[DeliveryLine, ...]


def automations_of(project_id: UUID) -> list[AutomationLine]:
    """Return a project's automations by name. Two queries."""
    return [
        AutomationLine(
            id=automation.pk,
            name=automation.name,
            active=automation.active,
            when=when_it_fires(trigger_of(automation)),
            actions=tuple(str(action) for action in automation.actions.all() if action.active),
        )
        for automation in Automation.objects.filter(project=project_id).prefetch_related("actions")
    ]


def runs_page(project_id: UUID, *, lead_id: UUID | None = None, cursor: str | None, limit: int) -> Page[RunLine]:
    """Return runs of a project, or of one of its leads, newest first.

    Two queries, three for a lead; raises `CursorInvalid`.
    """
    runs = runs_with_deliveries(project_id)
    if lead_id is not None:
        runs = runs.filter(lead__in=members_of(lead_id))
    return page_of(runs, order=("-id",), cursor=cursor, limit=limit).map(run_line)


def runs_of_lead(project_id: UUID, lead_id: UUID, *, limit: int = 50) -> list[RunLine]:
    """Return the newest runs for a lead. Three queries."""
    return list(runs_page(project_id, lead_id=lead_id, cursor=None, limit=limit).rows)


def delivery_counts() -> dict[str, int]:
    """Return how many deliveries of the whole installation have each status, those without any included."""
    counts = dict(Delivery.objects.order_by().values_list("status").annotate(Count("pk")))
    return {status.value: counts.get(status.value, 0) for status in Delivery.Status}


def runs_with_deliveries(project_id: UUID) -> QuerySet[Run]:
    """Return the runs of a project with all that `run_line` reads."""
    return (
        Run.objects.filter(project=project_id)
        .select_related("automation", "lead__merged_into")
        .prefetch_related("deliveries")
    )


def run_line(run: Run) -> RunLine:
    """Return a run, fetched by `runs_with_deliveries`, as a list shows it."""
    return RunLine(
        id=run.pk,
        automation_id=run.automation_id,
        automation=run.automation.name,
        lead_id=run.lead.survivor.pk,
        lead_label=run.lead.survivor.label,
        why=why_it_fired(run.crossing, run.facts),
        facts=run.facts,
        occurred_at=run.occurred_at,
        fired_at=run.created_at,
        deliveries=tuple(_delivery_line(delivery) for delivery in run.deliveries.all()),
    )


def _delivery_line(delivery: Delivery) -> DeliveryLine:
    return DeliveryLine(
        id=delivery.pk,
        kind=delivery.kind,
        status=delivery.status,
        attempts=delivery.attempts,
        detail=delivery.detail,
        due_at=delivery.due_at,
        delivered_at=delivery.delivered_at,
    )
