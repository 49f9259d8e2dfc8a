"""Read how a lead came to be who it is: what was merged into it and why, and which names were not used."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest.core.identity import Reason
from ingest.models import Event, Lead, Merge, RefusedName

MERGED, SEPARATED = "lead_merged", "lead_unmerged"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedLead:
    """A lead that is part of another: since when, and by which type of event or by whom."""

    lead: Lead
    merged_at: datetime
    event_type: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedName:
    """A name that was not used, why, and whose it is, if it is somebody's."""

    kind: str
    value: str
    reason: Reason
    other: Lead | None


def merged_leads(project_id: UUID, members: Collection[UUID]) -> list[MergedLead]:
    """Return the leads that were merged into one whose members these are, the newest merge first."""
    if len(members) < 2:
        return []
    merges = list(Merge.objects.filter(lead__in=members, undone_at=None).select_related("lead").order_by("-id"))
    types = event_types(project_id, (merge.by for merge in merges if merge.cause == Merge.Cause.EVENT))
    return [
        MergedLead(
            lead=merge.lead,
            merged_at=merge.merged_at,
            event_type=types.get(merge.by, "") if merge.cause == Merge.Cause.EVENT else "",
            by=merge.by if merge.cause == Merge.Cause.HAND else "",
        )
        for merge in merges
    ]


def unused_names(members: Collection[UUID], *, limit: int) -> list[UnusedName]:
    """Return the names that events of these leads carried and that were not used, the newest first.

    Those that have come to be theirs since are left out.
    """
    refused = RefusedName.objects.filter(lead__in=members).exclude(other__in=members).order_by("-id")
    return [
        UnusedName(
            kind=name.get_kind_display(),
            value=name.value,
            reason=Reason(name.reason),
            other=name.other.survivor if name.other is not None else None,
        )
        for name in refused.select_related("other__merged_into")[:limit]
    ]


def event_types(project_id: UUID, event_ids: Iterable[str]) -> dict[str, str]:
    """Return the types of events of a project by the ids that clients gave them."""
    wanted = set(event_ids)
    if not wanted:
        return {}
    return dict(Event.objects.filter(project=project_id, event_id__in=wanted).values_list("event_id", "event_type"))


def sentences(project_id: UUID, events: Sequence[Event]) -> dict[UUID, str]:
    """Return in words what those of these events that are merges, or their undoing, say: `{event: sentence}`.

    Those of people who were erased say nothing any more. Two queries if there is one, else none.
    """
    told = {event.pk: event for event in events if event.kind == Event.Kind.MERGE and event.lead_id is not None}
    if not told:
        return {}
    causes = event_types(
        project_id,
        (event.properties["by"] for event in told.values() if event.properties.get("cause") == Merge.Cause.EVENT),
    )
    involved = {UUID(_other(event)) for event in told.values()}
    names = {lead.pk: lead.label for lead in Lead.objects.filter(project=project_id, pk__in=involved)}
    return {key: _sentence(event, names, causes) for key, event in told.items()}


def _other(event: Event) -> str:
    """Return the id of the lead that the event's own was merged with, or separated from."""
    facts: dict[str, str] = event.properties
    if event.event_type == SEPARATED and facts["leadId"] == str(event.lead_id):
        return facts["from"]
    return facts["leadId"]


def _sentence(event: Event, names: dict[UUID, str], causes: dict[str, str]) -> str:
    facts = event.properties
    other = names.get(UUID(_other(event)), "a lead that is not there any more")
    if event.event_type == SEPARATED:
        return f"Separated from {other}, by {facts['by']}"
    if facts["cause"] == Merge.Cause.EVENT:
        return f"Merged with {other}, because of {causes.get(facts['by'], 'an event')}"
    return f"Merged with {other}, by {facts['by']}"
