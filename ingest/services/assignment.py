"""Give leads to the members of their project, in turn."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ingest.models import Lead, Membership

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Who owns the lead now, by name. `kept`: they did before. No owner: nobody takes leads."""

    owner: str | None
    kept: bool


@transaction.atomic
def assign_in_turn(lead_id: UUID) -> Assignment:
    """Give the lead to the member who takes leads and got one longest ago; a lead with an owner keeps it."""
    lead = Lead.objects.select_related("owner").get(pk=lead_id)
    if lead.owner is not None:
        return Assignment(owner=str(lead.owner), kept=True)
    # All of the project's places are locked, in order, so that two leads at once do not meet the same turn.
    places = list(
        Membership.objects.select_related("user")
        .filter(project_id=lead.project_id, takes_leads=True, user__is_active=True)
        .order_by("id")
        .select_for_update(of=("self",))
    )
    if not places:
        return Assignment(owner=None, kept=False)
    chosen = min(places, key=lambda place: (place.last_assigned_at or _NEVER, place.pk))
    if not Lead.objects.filter(pk=lead_id, owner=None).update(owner=chosen.user):
        current = Lead.objects.select_related("owner").get(pk=lead_id)
        return Assignment(owner=str(current.owner) if current.owner else None, kept=True)
    Membership.objects.filter(pk=chosen.pk).update(last_assigned_at=timezone.now())
    return Assignment(owner=str(chosen.user), kept=False)
