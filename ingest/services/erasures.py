"""Erase people: what is known of them goes, and their events stay as mere counts.

All of a person's leads go with everything that refers to them. Their events keep what totals need, a type and times,
and belong to nobody any more. In one unit of work: before it there is the whole person, after it nothing.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db.models import Q

from ingest import database
from ingest.core.identity import Name
from ingest.core.suppression import event_pseudonym
from ingest.models import Erasure, Event, Identifier, Lead, Merge, PendingEvent, RefusedName
from ingest.selectors import homes_of, members_of
from ingest.services import imports, rulings, webhooks
from ingest.services.duplicates import forget_keys
from ingest.services.identities import guard_of
from ingest.services.suppressions import pseudonym_key_of, suppress_in_unit_of_work
from ingest.signals import PersonErased, person_erased

PORTION = 5_000  # events in memory at once
_FIELDS = (
    "id", "project", "event_id", "lead", "kind", "event_type", "occurred_at", "received_at", "sent_at", "timestamp",
    "session_id", "properties", "traits", "context",
)  # fmt: skip
_ERASED_FIELDS = ("event_id", "lead", "sent_at", "timestamp", "session_id", "properties", "traits", "context")
_NOBODY = str(UUID(int=0))


def erase(
    project_id: UUID,
    lead_id: UUID,
    *,
    cause: Erasure.Cause,
    by: str,
    now: datetime,
    idle_since: datetime | None = None,
) -> Erasure | None:
    """Erase the person that a lead of this project is part of; `None` when there is no such lead (any more).

    `idle_since`: only if nothing was heard of the person since.
    """

    def work() -> Erasure | None:
        home = homes_of([lead_id]).get(lead_id)
        if home is None or home.project_id != project_id:
            return None
        leads = _hold(home.lead_id)
        if idle_since is not None and Event.objects.filter(lead__in=leads, occurred_at__gte=idle_since).exists():
            return None
        return _erase(project_id, leads, cause=cause, by=by, now=now)

    return database.unit_of_work(work)


def _erase(project_id: UUID, leads: Collection[UUID], *, cause: Erasure.Cause, by: str, now: datetime) -> Erasure:
    names = [
        Name(kind, value) for kind, value in Identifier.objects.filter(lead__in=leads).values_list("kind", "value")
    ]
    suppressed = _to_suppress(project_id, names, cause=cause)
    suppress_in_unit_of_work(project_id, suppressed, reason=Erasure.Cause(cause).label, by=by, now=now)
    _forget_in_others(project_id, leads, names)
    PendingEvent.objects.filter(lead_id__in=leads).delete()
    events = sum(_anonymised(project_id, leads))
    person_erased.send(sender=None, erased=PersonErased(project_id=project_id, lead_ids=frozenset(leads)))
    forget_keys(project_id, leads)
    Lead.objects.filter(pk__in=leads).delete()
    return Erasure.objects.create(
        project_id=project_id,
        cause=cause,
        by=by[:200],
        leads=len(leads),
        names=len(suppressed),
        events=events,
        erased_at=now,
    )


def _to_suppress(project_id: UUID, names: Collection[Name], *, cause: Erasure.Cause) -> list[Name]:
    """Return of which names nothing is to be stored any more: none of somebody who was idle, who may come back.

    Nor of names that mean nobody in particular.
    """
    if cause == Erasure.Cause.RETENTION:
        return []
    guard = guard_of(project_id)
    return [name for name in names if not guard.blocks(name)]


def _hold(home: UUID) -> list[UUID]:
    """Return the leads that a person is, held so that nobody adds to them; look again if they are not that any more."""
    leads = sorted(members_of(home))
    database.lock_rows_to_delete(Lead, leads)
    if homes_of(leads).keys() != set(leads) or sorted(members_of(home)) != leads or homes_of([home])[home][0] != home:
        raise database.Overtaken
    return leads


def _anonymised(project_id: UUID, leads: Collection[UUID]) -> Iterator[int]:
    """Take everything personal out of the leads' events, portion by portion; yield how many each was."""
    key = pseudonym_key_of(project_id)
    # Those that have been done belong to nobody, so the next portion is always the first.
    while rows := list(Event.objects.filter(lead__in=leads).values_list(*_FIELDS[:8])[:PORTION]):
        PendingEvent.objects.filter(pk__in=[row[0] for row in rows]).delete()
        anonymous = [
            (pk, project, event_pseudonym(event_id, key=key), None, *kept, None, None, "", {}, {}, {})
            for pk, project, event_id, _, *kept in rows
        ]
        database.upsert_rows(Event, _FIELDS, anonymous, unique=("id",), update=_ERASED_FIELDS)
        yield len(rows)


def _forget_in_others(project_id: UUID, leads: Collection[UUID], names: Collection[Name]) -> None:
    """Take the person out of what is kept of other people and of the admin's work."""
    refused = RefusedName.objects.filter(project=project_id)
    refused.filter(Q(other__in=leads) | Q(value__in={name.value for name in names})).delete()
    _forget_merges(leads)
    webhooks.forget_person(project_id, leads, names)
    imports.forget_person(project_id, names)
    rulings.forget_person(project_id, leads, key=pseudonym_key_of(project_id))
    LogEntry.objects.filter(object_id__in=[str(lead_id) for lead_id in leads]).update(
        object_id="", object_repr="Somebody who was erased", change_message=""
    )


def _forget_merges(leads: Collection[UUID]) -> None:
    """Let others' logs say that they were merged and separated, but no longer with whom."""
    parted = Merge.objects.filter(Q(lead__in=leads) | Q(into__in=leads)).values_list("lead", "into")
    others = {lead_id for pair in parted for lead_id in pair} - set(leads)
    erased = {str(lead_id) for lead_id in leads}
    for event in Event.objects.filter(lead__in=others, kind=Event.Kind.MERGE).only("properties"):
        if erased & set(map(str, event.properties.values())):
            event.properties = {name: _without(name, value, erased) for name, value in event.properties.items()}
            event.save(update_fields=["properties"])


def _without(name: str, value: str, erased: Collection[str]) -> str:
    """Return a fact of a merge that names nobody who is erased; `by` may be the id of an event of theirs."""
    if name == "by":
        return ""
    return _NOBODY if value in erased else value
