"""Automation's part of a project's export: the automations, what fired, and what became of it."""

from collections.abc import Iterator
from uuid import UUID

from automation.models import Action, Automation, Delivery, Run
from ingest.export import Line, rows_told

_RUN = {
    "id": "id",
    "automationId": "automation",
    "leadId": "lead",
    "cause": "cause",
    "crossing": "crossing",
    "facts": "facts",
    "occurredAt": "occurred_at",
    "firedAt": "created_at",
}
_DELIVERY = {
    "id": "id",
    "runId": "run",
    "actionId": "action",
    "kind": "kind",
    "status": "status",
    "attempts": "attempts",
    "dueAt": "due_at",
    "deliveredAt": "delivered_at",
    "detail": "detail",
}


def automations_told(project_id: UUID) -> Iterator[Line]:
    """Yield a project's automations with their actions."""
    for automation in Automation.objects.filter(project=project_id).order_by("id").prefetch_related("actions"):
        yield {
            "type": "automation",
            "id": automation.pk,
            "name": automation.name,
            "active": automation.active,
            "trigger": automation.trigger,
            "fromStage": automation.from_stage,
            "toStage": automation.to_stage,
            "direction": automation.direction,
            "eventType": automation.event_type,
            "createdAt": automation.created_at,
            "actions": [_action(action) for action in automation.actions.all()],
        }


def _action(action: Action) -> Line:
    """Return an action without what opens something: a webhook's signing secret, and the addresses it is posted to.

    Whoever knows the address of a Slack channel's hook may post there, and webhooks often carry a token in theirs.
    """
    return {
        "id": action.pk,
        "position": action.position,
        "kind": action.kind,
        "active": action.active,
        "recipients": action.recipients,
        "subject": action.subject,
        "message": action.message,
    }


def runs_told(project_id: UUID) -> Iterator[Line]:
    """Yield what fired, oldest first, and then every delivery."""
    yield from rows_told("run", Run.objects.filter(project=project_id).order_by("id"), _RUN)
    yield from rows_told("delivery", Delivery.objects.filter(run__project=project_id), _DELIVERY)
