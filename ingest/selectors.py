"""Read what ingestion stores. Every query starts from a project, or from the projects a person is a member of."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from ingest import database
from ingest.core.bursts import BurstRule, MailEvent, link_of
from ingest.core.imports.rejected import written
from ingest.core.keys import digest
from ingest.core.signatures import Scheme
from ingest.ids import first_id_at, uuid_of
from ingest.models import (
    ApiKey,
    BotFilter,
    Erasure,
    Event,
    Identifier,
    Import,
    Lead,
    Merge,
    PendingEvent,
    Project,
    RejectedRow,
    Ruling,
    Suppression,
    User,
    Verdict,
    WebhookReceipt,
    WebhookSource,
)
from ingest.pages import Page, page_of

_LEADS_A_QUERY = 100  # SQLite takes conditions that are at most 1,000 deep
_KEY_FIELDS = ("id", "project", "kind", "allowed_origins", "events_per_minute", "active")


def active_key(token: str) -> ApiKey | None:
    """Return the key that a token is, with what every request needs of it."""
    found = database.select_rows(ApiKey, _KEY_FIELDS, {"digest": digest(token), "active": True})
    return ApiKey.from_db("default", ("id", "project_id", *_KEY_FIELDS[2:]), found[0]) if found else None


def projects_of(user: User) -> QuerySet[Project]:
    """Return the projects a person is a member of."""
    return Project.objects.filter(memberships__user=user).order_by("name", "pk")


def project_of(user: User, project_id: UUID) -> Project | None:
    """Return a project if the person is a member of it."""
    return projects_of(user).filter(pk=project_id).first()


def lead_of(project_id: UUID, lead_id: UUID | str) -> Lead | None:
    """Return a lead of the project, with its owner; `None` for any other id, however it is spelled.

    The id of a lead that was merged stands for the one that survived, for ever.
    """
    if (key := uuid_of(str(lead_id))) is None:
        return None
    found = Lead.objects.select_related("owner", "merged_into__owner").filter(project=project_id, pk=key).first()
    return found and found.survivor


def id_of_lead(project_id: UUID, lead_id: str) -> UUID | None:
    """Return the id of a lead of the project, be it merged into another or not; `None` for any other id."""
    if (key := uuid_of(lead_id)) is None:
        return None
    return Lead.objects.filter(project=project_id, pk=key).values_list("pk", flat=True).first()


class Home(NamedTuple):
    """The lead that stands for a lead, and their project."""

    lead_id: UUID
    project_id: UUID


def homes_of(lead_ids: Collection[UUID]) -> dict[UUID, Home]:
    """Return for each of these leads the lead that stands for it: itself, or the one it was merged into."""
    found = Lead.objects.filter(pk__in=lead_ids).values_list("pk", "merged_into", "project")
    return {lead_id: Home(merged_into or lead_id, project_id) for lead_id, merged_into, project_id in found}


def members_of_leads(lead_ids: Collection[UUID], *, known_at: datetime | None = None) -> dict[UUID, UUID]:
    """Return the leads whose events make up these leads, which stand for themselves: `{member: lead}`.

    That is each lead itself and all that were merged into it, by now or as it was known at a moment.
    """
    members = {lead_id: lead_id for lead_id in lead_ids}
    if known_at is None:
        merged = Lead.objects.filter(merged_into__in=lead_ids).values_list("pk", "merged_into_id")
        return members | dict(merged)
    look_at = set(members)
    while look_at:
        absorbed = Merge.objects.filter(into__in=look_at, merged_at__lte=known_at).filter(
            Q(undone_at=None) | Q(undone_at__gt=known_at)
        )
        found = [pair for pair in absorbed.values_list("lead", "into") if pair[0] not in members]
        members |= {lead_id: members[into] for lead_id, into in found}
        look_at = {lead_id for lead_id, _ in found}
    return members


def members_of(lead_id: UUID) -> list[UUID]:
    """Return the leads whose events make up one that stands for itself, that one first."""
    return list(members_of_leads([lead_id]))


def leads_named(name: str) -> list[Lead]:
    """Return the leads of all projects that a name or id stands for: for whoever runs the server, not for members."""
    by_identifier = Q(identifiers__value__in=[name, name.lower()])
    if (key := uuid_of(name)) is not None:
        by_identifier |= Q(pk=key)
    return list(Lead.objects.filter(by_identifier).select_related("project").distinct().order_by("pk")[:20])


def identifiers_of(lead_id: UUID) -> list[Identifier]:
    """Return the names a lead answers to, in the order they came."""
    return identifiers_of_members(members_of(lead_id))


def identifiers_of_members(members: Collection[UUID]) -> list[Identifier]:
    """Return the names of leads that together make up one, in the order they came."""
    return list(Identifier.objects.filter(lead__in=members).order_by("pk"))


def keys_of(project_id: UUID) -> list[ApiKey]:
    """Return a project's keys, those that are active first, then the newest first."""
    return list(ApiKey.objects.filter(project=project_id).order_by("-active", "-created_at"))


def counting(events: "QuerySet[Event]", *, known_at: datetime | None = None) -> "QuerySet[Event]":
    """Return those of these events that count: all but the excluded ones, or those that were excluded by a moment.

    This is the one place that says so. Whoever counts or scores events starts from it.
    """
    if known_at is None:
        return events.exclude(verdict__excluded=True)
    return events.exclude(verdict__excluded=True, verdict__decided_at__lte=known_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInForce:
    """A webhook source, with what a request to it needs. The secrets stay out of what is printed and logged."""

    id: UUID
    project_id: UUID
    slug: str
    scheme: Scheme
    secrets: tuple[str, ...] = field(repr=False)
    mapping: object
    events_per_minute: int | None


def active_webhook_source(public_id: str) -> SourceInForce | None:
    """Return the active source with this public id."""
    found = WebhookSource.objects.filter(public_id=public_id, active=True).first()
    return source_in_force(found) if found else None


def source_in_force(source: WebhookSource) -> SourceInForce:
    """Return what a source says, as values."""
    return SourceInForce(
        id=source.pk,
        project_id=source.project_id,
        slug=source.slug,
        scheme=source.scheme_of_signing,
        secrets=tuple(filter(None, (source.secret, source.former_secret))),
        mapping=source.mapping,
        events_per_minute=source.events_per_minute,
    )


def webhook_sources_of(project_id: UUID) -> list[tuple[WebhookSource, datetime | None]]:
    """Return a project's webhook sources by name, each with when its last webhook came that was signed rightly."""
    sources = WebhookSource.objects.filter(project=project_id).annotate(last=Max("receipts__received_at"))
    return [(source, source.last) for source in sources.order_by("name", "pk")]


def newest_receipts(source_id: UUID, *, limit: int) -> list[WebhookReceipt]:
    """Return the receipts of a source that came last."""
    newest = [
        receipt
        for refused in (True, False)
        for receipt in WebhookReceipt.objects.filter(source=source_id, refused=refused).order_by("-id")[:limit]
    ]
    return sorted(newest, key=lambda receipt: receipt.pk, reverse=True)[:limit]


def events_page(
    project_id: UUID,
    *,
    lead_id: UUID | None = None,
    event_type: str | None = None,
    excluded: bool | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Event]:
    """Return the event log, newest first: of a lead by when it happened, else by when it was received.

    Each with its verdict. `excluded`: only what does not count, or only what does.
    """
    events = Event.objects.filter(project=project_id).select_related("verdict__ruling")
    if event_type is not None:
        events = events.filter(event_type=event_type)
    if excluded is not None:
        events = events.filter(verdict__project=project_id, verdict__excluded=True) if excluded else counting(events)
    if lead_id is not None:
        return page_of(
            events.filter(lead__in=members_of(lead_id)), order=("-occurred_at", "-id"), cursor=cursor, limit=limit
        )
    return page_of(events, order=("-id",), cursor=cursor, limit=limit)


def places_of_events(project_ids: Collection[UUID], event_ids: Collection[str]) -> dict[str, tuple[UUID, UUID]]:
    """Return in which of these projects, and with which lead, each of these events is stored, if it is."""
    if not project_ids or not event_ids:
        return {}
    found = database.select_rows(
        Event, ("event_id", "project", "lead"), {"project": set(project_ids), "event_id": set(event_ids)}
    )
    return {event_id: (project_id, lead_id) for event_id, project_id, lead_id in found}


def newest_events(project_id: UUID, *, limit: int, kind: Event.Kind | None = None) -> list[Event]:
    """Return what was received most recently, of one kind if it is given, with the leads."""
    events = Event.objects.filter(project=project_id)
    if kind is not None:
        events = events.filter(kind=kind)
    return list(events.select_related("lead__merged_into", "verdict").order_by("-id")[:limit])


def events_per_minute(project_id: UUID, *, minutes: int, now: datetime) -> list[tuple[datetime, int]]:
    """Return how many events were received in each of the last minutes, oldest first, minutes without any included."""
    this_minute = now.replace(second=0, microsecond=0)
    first = this_minute - timedelta(minutes=minutes - 1)
    counts = dict.fromkeys((first + timedelta(minutes=offset) for offset in range(minutes)), 0)
    received = Event.objects.filter(project=project_id, id__gte=first_id_at(first), received_at__gte=first)
    for moment, count in _counted_by_minute(received):
        if moment in counts:
            counts[moment] = count
    return list(counts.items())


def _counted_by_minute(events: QuerySet[Event]) -> Iterator[tuple[datetime, int]]:
    from django.db.models.functions import TruncMinute

    yield from (
        events.annotate(minute=TruncMinute("received_at"))
        .order_by("minute")
        .values_list("minute")
        .annotate(count=Count("pk"))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a lead did lately, by event time."""

    events_last_24h: int
    last_event_at: datetime | None


def activity_counts(lead_ids: Collection[UUID], *, now: datetime) -> dict[UUID, int]:
    """Return per lead how many events happened in the last 24 hours; leads without any are left out."""
    if not lead_ids:
        return {}
    homes = members_of_leads(lead_ids)
    counted = (
        counting(Event.objects.all())
        .filter(
            lead__in=homes,
            kind=Event.Kind.ACTIVITY,
            occurred_at__gt=now - timedelta(hours=24),
            occurred_at__lte=now + timedelta(minutes=5),
        )
        .order_by()
        .values_list("lead")
        .annotate(count=Count("pk"))
    )
    counts: dict[UUID, int] = {}
    for lead_id, count in counted:
        counts[homes[lead_id]] = counts.get(homes[lead_id], 0) + count
    return counts


# --- Privacy ------------------------------------------------------------------------------------------------------


def suppressions_page(project_id: UUID, *, cursor: str | None, limit: int) -> Page[Suppression]:
    """Return a project's suppressed names, the newest first; raise `CursorInvalid`."""
    return page_of(Suppression.objects.filter(project=project_id), order=("-id",), cursor=cursor, limit=limit)


def suppression_count(project_id: UUID) -> int:
    """Return how many names a project suppresses."""
    return Suppression.objects.filter(project=project_id).count()


def newest_erasures(project_id: UUID, *, limit: int) -> list[Erasure]:
    """Return the notes of who was erased last."""
    return list(Erasure.objects.filter(project=project_id).order_by("-id")[:limit])


def idle_leads(
    project_id: UUID, *, since: datetime, after: UUID | None = None, limit: int
) -> tuple[list[UUID], UUID | None]:
    """Return those of the next `limit` leads that nothing was heard of since a moment, and the last one looked at.

    A person counts from when their leads were made or from their newest event, whatever is later. `None` as the last
    one says that there are no more. Three queries.
    """
    young = first_id_at(since)
    leads = Lead.objects.filter(project=project_id, merged_into=None, pk__lt=young).order_by("pk")
    if after is not None:
        leads = leads.filter(pk__gt=after)
    looked_at = list(leads.values_list("pk", flat=True)[:limit])
    homes = members_of_leads(looked_at)
    heard_of = set(
        Event.objects.filter(lead__in=homes, occurred_at__gte=since).order_by().values_list("lead", flat=True)
    )
    busy = {home for lead_id, home in homes.items() if lead_id in heard_of or lead_id >= young}
    idle = [lead_id for lead_id in looked_at if lead_id not in busy]
    return idle, looked_at[-1] if len(looked_at) == limit else None


# --- Which events count ---------------------------------------------------------------------------------------------


def excluded_since(project_id: UUID, *, minutes: int, now: datetime) -> int:
    """Return how many of the events received in the last minutes do not count."""
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=minutes - 1)
    return Verdict.objects.filter(
        project=project_id, excluded=True, event__gte=first_id_at(first), event__received_at__gte=first
    ).count()


def rulings_page(project_id: UUID, *, cursor: str | None = None, limit: int = 50) -> Page[Ruling]:
    """Return what was said by hand of which events count, the newest first."""
    return page_of(Ruling.objects.filter(project=project_id), order=("-id",), cursor=cursor, limit=limit)


def ruling_of(project_id: UUID, ruling_id: UUID | str) -> Ruling | None:
    """Return a ruling of the project; `None` for any other id, however it is spelled."""
    if (key := uuid_of(str(ruling_id))) is None:
        return None
    return Ruling.objects.filter(project=project_id, pk=key).first()


def burst_rules(project_ids: Collection[UUID]) -> dict[UUID, BurstRule]:
    """Return, of those of these projects that look for the clicks of mail gateways, what is one."""
    rules = dict.fromkeys(project_ids, BurstRule())
    for each in BotFilter.objects.filter(pk__in=project_ids):
        if each.gateways:
            rules[each.pk] = BurstRule(
                click_types=frozenset(each.click_types),
                open_types=frozenset(each.open_types),
                links=each.links,
                seconds=each.seconds,
            )
        else:
            del rules[each.pk]
    return rules


def mail_events_around(events: Mapping[UUID, Sequence[datetime]], rule: BurstRule) -> dict[UUID, list[MailEvent]]:
    """Return the clicks and opens of leads around these moments, `{lead: moments}`, as far as they matter to a burst.

    What a bot did that says so is left out: it is known already. A query per hundred leads.
    """
    found: dict[UUID, list[MailEvent]] = defaultdict(list)
    leads = list(events)
    for begin in range(0, len(leads), _LEADS_A_QUERY):
        around = Q()
        for lead_id in leads[begin : begin + _LEADS_A_QUERY]:
            first, last = min(events[lead_id]) - rule.reach, max(events[lead_id]) + rule.reach
            around |= Q(lead=lead_id, occurred_at__gte=first, occurred_at__lte=last)
        rows = (
            Event.objects.filter(around, kind=Event.Kind.ACTIVITY, event_type__in=rule.event_types)
            .exclude(verdict__found=Verdict.Found.BOT)
            .values_list("pk", "lead", "event_type", "occurred_at", "properties")
        )
        for key, lead_id, event_type, occurred_at, properties in rows:
            mail = MailEvent(key=key, event_type=event_type, occurred_at=occurred_at, link=link_of(properties))
            found[lead_id].append(mail)
    return found


# --- Imports --------------------------------------------------------------------------------------------------------


def import_of(project_id: UUID, import_id: UUID | str) -> Import | None:
    """Return an import of the project; `None` for any other id, however it is spelled."""
    if (key := uuid_of(str(import_id))) is None:
        return None
    return Import.objects.select_related("requested_by", "key").filter(project=project_id, pk=key).first()


def imports_page(project_id: UUID, *, cursor: str | None = None, limit: int = 50) -> Page[Import]:
    """Return the project's imports, the newest first."""
    imports = Import.objects.filter(project=project_id).select_related("requested_by", "key")
    return page_of(imports, order=("-id",), cursor=cursor, limit=limit)


def rejected_rows(import_id: UUID, *, limit: int) -> list[RejectedRow]:
    """Return the first rejected rows of an import."""
    return list(RejectedRow.objects.filter(imported=import_id).order_by("line")[:limit])


def rejected_as_csv(import_id: UUID) -> Iterator[str]:
    """Yield the kept rejected rows of an import as a CSV, a thousand at a time."""
    yield "\ufeff" + written([("line", "reason", "row")])
    after = 0
    rows = RejectedRow.objects.filter(imported=import_id).order_by("line").values_list("line", "reason", "raw")
    while portion := list(rows.filter(line__gt=after)[:1000]):
        yield written(portion)
        after = portion[-1][0]


# --- What is pending ----------------------------------------------------------------------------------------------


def leads_waiting(
    slots: Collection[int], *, now: datetime, limit: int, without: Collection[UUID] = ()
) -> Mapping[UUID, int]:
    """Return whose the `limit` longest due pending events of these slots are, the longest due first, and how many."""
    due = PendingEvent.objects.filter(slot__in=slots, due_at__lte=now).order_by("due_at")
    if without:
        due = due.exclude(lead_id__in=without)
    return Counter(due.values_list("lead_id", flat=True)[:limit])


def pending_of(lead_ids: Collection[UUID], *, now: datetime, limit: int) -> list[tuple[UUID, UUID, int, bool]]:
    """Return up to `limit` due pending events of these leads, the longest due first: with attempts and `quiet`.

    Its lead is the one the event was given to, which may have been merged since, or stand for itself again.
    """
    due = PendingEvent.objects.filter(lead_id__in=lead_ids, due_at__lte=now).order_by("due_at")
    return list(due.values_list("event_id", "event__lead", "attempts", "quiet")[:limit])


def slots_waiting(*, since: datetime) -> set[int]:
    """Return the slots that have pending events due since before `since`."""
    return set(PendingEvent.objects.filter(due_at__lt=since).order_by().values_list("slot", flat=True).distinct())


def pending_count() -> int:
    """Return how many events are stored but not scored."""
    return PendingEvent.objects.count()


def oldest_pending_at() -> datetime | None:
    """Return when the longest waiting pending event became due."""
    oldest: datetime | None = PendingEvent.objects.aggregate(oldest=Min("due_at"))["oldest"]
    return oldest


LOG_FIELDS = ("id", "event_id", "lead", "kind", "event_type", "occurred_at", "properties", "traits", "context")
LogRow = tuple[UUID, str, UUID, str, str, datetime, dict[str, object], dict[str, object], dict[str, object]]


def log_of_pending(keys: Sequence[UUID]) -> list[LogRow]:
    """Return the `LOG_FIELDS` of those of these events that are still pending, in no order."""
    return list(Event.objects.filter(pk__in=keys, pending__isnull=False).values_list(*LOG_FIELDS))


def due_among(keys: Collection[UUID], *, now: datetime) -> dict[UUID, tuple[int, bool]]:
    """Return which of these events are pending and due, `{event: (attempts, quiet)}`."""
    due = PendingEvent.objects.filter(pk__in=keys, due_at__lte=now)
    return {key: (attempts, quiet) for key, attempts, quiet in due.values_list("event_id", "attempts", "quiet")}


def log_sizes(lead_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """Return how many events make up each of these leads, which stand for themselves. Two queries."""
    homes = members_of_leads(lead_ids)
    events = Event.objects.filter(lead__in=homes).order_by()
    sizes: Counter[UUID] = Counter()
    for member, count in events.values_list("lead").annotate(count=Count("pk")):
        sizes[homes[member]] += count
    return sizes
