"""Ingestion's part of a project's export: who belongs to it, its keys, its leads and their names, and the event log."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from ingest import database
from ingest.models import ApiKey, Event, Identifier, Lead, Membership, Merge, NotTheSame, PendingEvent, Project, User

Line = dict[str, Any]
Names = Callable[[UUID | None], str | None]

_PROJECT = {
    "id": "id",
    "name": "name",
    "timeZone": "time_zone",
    "blockedNames": "blocked_names",
    "maxNamesPerLead": "max_names_per_lead",
    "keepsIpAddresses": "keeps_ip_addresses",
    "eraseAfterIdleDays": "erase_after_idle_days",
    "createdAt": "created_at",
}
# Neither the digest nor the token: an export opens nothing.
_KEY = {
    "id": "id",
    "kind": "kind",
    "name": "name",
    "hint": "hint",
    "allowedOrigins": "allowed_origins",
    "eventsPerMinute": "events_per_minute",
    "active": "active",
    "createdAt": "created_at",
}
_LEAD = {
    "id": "id",
    "name": "name",
    "email": "email",
    "company": "company",
    "traits": "traits",
    "owner": "owner",
    "mergedInto": "merged_into",
    "createdAt": "created_at",
}
_IDENTIFIER = {"kind": "kind", "value": "value", "leadId": "lead", "createdAt": "created_at"}
_MERGE = {
    "leadId": "lead",
    "into": "into",
    "cause": "cause",
    "by": "by",
    "mergedAt": "merged_at",
    "undoneAt": "undone_at",
}
_NOT_THE_SAME = {"leadId": "lead", "otherId": "other", "by": "by", "createdAt": "created_at"}
_EVENT = {
    "id": "id",
    "eventId": "event_id",
    "leadId": "lead",
    "kind": "kind",
    "eventType": "event_type",
    "occurredAt": "occurred_at",
    "receivedAt": "received_at",
    "sentAt": "sent_at",
    "timestamp": "timestamp",
    "sessionId": "session_id",
    "properties": "properties",
    "traits": "traits",
    "context": "context",
}


def rows_told(kind: str, queryset: "QuerySet[Any]", columns: Mapping[str, str]) -> Iterator[Line]:
    """Yield the rows of a query as lines of type `kind`; `columns` maps names in the line to the model's fields."""
    names = ("type", *columns)
    for rows in database.stream_rows(queryset, tuple(columns.values())):
        for row in rows:
            yield dict(zip(names, (kind, *row), strict=True))


def ingestion_told(project_id: UUID, names: Names) -> Iterator[Line]:
    """Yield what ingestion stores of a project; `names` gives the username of a person's id."""
    yield from rows_told("project", Project.objects.filter(pk=project_id), _PROJECT)
    members = Membership.objects.filter(project=project_id).order_by("id")
    for line in rows_told("membership", members, {"username": "user", "takesLeads": "takes_leads"}):
        yield line | {"username": names(line["username"])}
    yield from rows_told("key", _of(ApiKey, project_id), _KEY)
    for line in rows_told("lead", _of(Lead, project_id), _LEAD):
        yield line | {"owner": names(line["owner"])}
    yield from rows_told("identifier", Identifier.objects.filter(project=project_id), _IDENTIFIER)
    yield from rows_told("merge", _of(Merge, project_id), _MERGE)
    yield from rows_told("notTheSame", _of(NotTheSame, project_id), _NOT_THE_SAME)
    # As they were received: whose event it was could depend on what had been received before.
    yield from rows_told("event", _of(Event, project_id), _EVENT)
    pending = PendingEvent.objects.filter(event__project=project_id)
    yield from rows_told("pendingEvent", pending, {"event": "event", "leadId": "lead_id"})


def people_named(project_id: UUID) -> dict[UUID, str]:
    """Return the usernames of the members of a project and of those who own leads of it."""
    members = Membership.objects.filter(project=project_id).values_list("user", flat=True)
    owners = Lead.objects.filter(project=project_id, owner__isnull=False).order_by().values_list("owner", flat=True)
    wanted = {*members, *owners.distinct()}
    return dict(User.objects.filter(pk__in=wanted).values_list("pk", "username"))


def _of(model: type[Model], project_id: UUID) -> "QuerySet[Any]":
    return model._default_manager.filter(project=project_id).order_by("id")
