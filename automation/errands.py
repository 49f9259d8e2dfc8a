"""Everything an action needs to know to be carried out, gathered once, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from automation.core.outcomes import Outcome, Verdict
from automation.core.placeholders import MessageValues
from automation.core.reasons import what_happened
from automation.models import Delivery
from ingest.models import Event
from scoring.api.representation import represent_lead
from scoring.selectors import lead_view

JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The person a lead belongs to."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One action to carry out for one lead, and why. `facts` are the run's: what was true when it fired."""

    delivery_id: UUID
    kind: str
    project_id: UUID
    project_name: str
    automation_id: UUID
    automation_name: str
    trigger: str
    lead_id: UUID
    lead: JsonObject
    lead_label: str
    owner: Owner | None
    event: JsonObject
    facts: Mapping[str, object]
    occurred_at: datetime
    recipients: tuple[str, ...]
    subject: str
    message: str
    url: str
    secrets: tuple[str, ...]

    @property
    def values(self) -> MessageValues:
        """Return what the messages may speak of."""
        return MessageValues(
            lead=self.lead_label,
            email=str(self.lead["email"] or ""),
            company=str(self.lead["company"] or ""),
            owner=self.owner.name if self.owner else "nobody",
            stage=str(self.facts["newStage"]),
            old_stage=str(self.facts["oldStage"] or ""),
            score=str(self.facts["newScore"]),
            event=what_happened(self.facts),
            project=self.project_name,
            url=lead_url(self.project_id, self.lead_id),
        )


def lead_url(project_id: UUID, lead_id: UUID) -> str:
    """Return the address of the lead's page, as it stands in messages that are kept for long."""
    return f"{settings.PUBLIC_URL}/p/{project_id}/leads/{lead_id}"


def errand_of(delivery_id: UUID) -> Errand | Outcome:
    """Return what there is to do, or why it will not be done."""
    delivery = (
        Delivery.objects.select_related("action", "run__automation", "run__project")
        .select_related("run__lead__owner", "run__lead__merged_into__owner")
        .filter(pk=delivery_id)
        .first()
    )
    if delivery is None:
        return Outcome(verdict=Verdict.FAILED, detail="The lead was erased.")
    action, run = delivery.action, delivery.run
    if action is None:
        return Outcome(verdict=Verdict.FAILED, detail="The action was deleted.")
    if not action.active:
        return Outcome(verdict=Verdict.FAILED, detail=f"The action is switched off. {action.disabled_because}".strip())
    if not run.automation.active:
        return Outcome(verdict=Verdict.FAILED, detail="The automation is switched off.")
    lead = run.lead.survivor
    owner = lead.owner
    return Errand(
        delivery_id=delivery.pk,
        kind=delivery.kind,
        project_id=run.project_id,
        project_name=run.project.name,
        automation_id=run.automation_id,
        automation_name=run.automation.name,
        trigger=run.automation.trigger,
        lead_id=lead.pk,
        lead=represent_lead(lead_view(lead, now=timezone.now())),
        lead_label=lead.label,
        owner=None if owner is None else Owner(name=str(owner), email=owner.email),
        event=_event(run.cause, run.facts),
        facts=run.facts,
        occurred_at=run.occurred_at,
        recipients=tuple(part.strip() for part in action.recipients.split(",") if part.strip()),
        subject=action.subject,
        message=action.message,
        url=action.url,
        secrets=tuple(action.secret.split()),
    )


def _event(cause: str, facts: Mapping[str, object]) -> JsonObject:
    event = None if facts["eventType"] is None else Event.objects.filter(pk=cause).first()
    return {
        "eventId": event.event_id if event else None,
        "eventType": facts["eventType"],
        "occurredAt": facts["occurredAt"],
        "properties": event.properties if event else {},
    }
