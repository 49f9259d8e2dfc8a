"""Look up the people that a request's events speak of, with what is needed to decide who is who."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count

from ingest import database
from ingest.core.events import IncomingEvent
from ingest.core.identity import Guard, Identities, Name, Person
from ingest.ids import new_id, uuid_of
from ingest.models import Identifier, Lead, Merge, Project
from ingest.selectors import Home, homes_of, members_of_leads
from ingest.services.suppressions import suppressed_among

LEAD_FIELDS = (
    "id", "project", "name", "email", "company", "traits", "trait_clock", "owner", "merged_into", "created_at",
)  # fmt: skip
LeadRow = tuple[UUID, UUID, str, str, str, dict[str, object], dict[str, list[str]], UUID | None, UUID | None, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What a request's events are decided on: who is who, which leads there are, and the rows of those held.

    `suppressed` are those of their names that nothing may be stored of.
    """

    identities: Identities
    leads: frozenset[UUID]
    suppressed: frozenset[Name] = frozenset()
    held: dict[UUID, LeadRow] = field(default_factory=dict)


def look_up(project_id: UUID, events: Sequence[IncomingEvent], *, also: Iterable[UUID] = ()) -> LookedUp:
    """Return what these events of a project are to be decided on; `also`: leads whose survivors are asked for.

    Leads that the events may change are held until the unit of work ends. Two queries where no event does more than
    belong to a lead that is known; a fixed number more where one has a name that nobody has, carries traits or brings
    names together.
    """
    taken = _taken(project_id, events)
    # A name that somebody has is not suppressed; and who was erased since it was read has no name any more. So it is
    # asked after that, and only of names that are free.
    suppressed = suppressed_among(project_id, {name for event in events for name in event.all_names} - taken.keys())
    told = [None if event.lead_id is None else uuid_of(event.lead_id) for event in events]
    homes = _homes(project_id, {*taken.values(), *also, *(lead_id for lead_id in told if lead_id is not None)})
    identities = Identities(
        guard=Guard(),
        new_id=new_id,
        taken=taken,
        homes={lead_id: home for lead_id, home in homes.items() if home != lead_id},
    )
    open_: set[UUID] = set()  # leads that stand for themselves and whose events bring names together
    taught: set[UUID] = set()
    brings_together = False
    for event, lead_id in zip(events, told, strict=True):
        names = event.all_names
        meant = {homes[taken[name]] for name in names if name in taken}
        if lead_id is not None and lead_id in homes:
            meant.add(homes[lead_id])
        if len(meant) + sum(name not in taken for name in names) > 1:
            brings_together = True
            open_ |= meant
        if event.traits:
            taught |= meant
    held = hold(open_ | taught)
    if brings_together:
        identities.guard = guard_of(project_id)
        identities.people = people_of(open_)
        identities.separated = _separated(identities.people.values())
    return LookedUp(identities=identities, leads=frozenset(homes), suppressed=suppressed, held=held)


def _taken(project_id: UUID, events: Sequence[IncomingEvent]) -> dict[Name, UUID]:
    wanted = defaultdict(set)
    for event in events:
        for name in event.all_names:
            wanted[name.kind].add(name.value)
    if not wanted:
        return {}
    # One query for all kinds; it may also find a value of one kind under another, which nobody asks for then.
    found = database.select_rows(
        Identifier,
        ("kind", "value", "lead"),
        {"project": project_id, "kind": set(wanted), "value": set().union(*wanted.values())},
    )
    return {Name(kind, value): lead for kind, value, lead in found}


def _homes(project_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return for each of these leads that the project has the lead that stands for it."""
    if not lead_ids:
        return {}
    found = database.select_rows(Lead, ("id", "merged_into"), {"project": project_id, "id": lead_ids})
    return {lead_id: merged_into or lead_id for lead_id, merged_into in found}


def hold(lead_ids: Collection[UUID]) -> dict[UUID, LeadRow]:
    """Lock leads that stand for themselves and return their rows; look again if one was merged or erased meanwhile."""
    if not lead_ids:
        return {}
    database.lock_rows(Lead, lead_ids)
    rows: list[LeadRow] = database.select_rows(Lead, LEAD_FIELDS, {"id": lead_ids})
    if len(rows) < len(lead_ids) or any(row[8] is not None for row in rows):
        raise database.Overtaken
    return {row[0]: row for row in rows}


def hold_homes(lead_ids: Collection[UUID]) -> dict[UUID, Home]:
    """Lock the leads that stand for these and return them, looking again if that changed before they were locked."""
    homes = homes_of(lead_ids)
    database.lock_rows(Lead, {home.lead_id for home in homes.values()})
    if homes_of(lead_ids) != homes:
        raise database.Overtaken
    return homes


def guard_of(project_id: UUID) -> Guard:
    """Return what a project has decided about names that must not join people."""
    blocked, max_names = Project.objects.values_list("blocked_names", "max_names_per_lead").get(pk=project_id)
    return Guard(blocked=blocked, max_names=max_names)


def people_of(lead_ids: Collection[UUID]) -> dict[UUID, Person]:
    """Return what the names of these leads, which stand for themselves, say of them. Three queries."""
    if not lead_ids:
        return {}
    homes = members_of_leads(lead_ids)
    people = {lead_id: Person(lead_id=lead_id, members=set()) for lead_id in lead_ids}
    for member, home in homes.items():
        people[home].members.add(member)
    names = Identifier.objects.filter(lead__in=homes)
    for lead_id, kind, count in names.order_by().values_list("lead", "kind").annotate(Count("pk")):
        person = people[homes[lead_id]]
        person.names += count
        person.known = person.known or kind != Identifier.Kind.ANONYMOUS_ID
    for lead_id, value in names.filter(kind=Identifier.Kind.USER_ID).values_list("lead", "value"):
        people[homes[lead_id]].user_ids.add(value)
    return people


def _separated(people: Collection[Person]) -> set[frozenset[UUID]]:
    """Return the pairs of leads, one of them at least of these people, that somebody has taken apart."""
    if len(people) < 2:
        return set()
    members = set().union(*(person.members for person in people))
    undone = Merge.objects.filter(lead__in=members, into__in=members, undone_at__isnull=False)
    return {frozenset(pair) for pair in undone.values_list("lead", "into")}
