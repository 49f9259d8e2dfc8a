"""Store events: whose they are, once each, all of a request or nothing. When it returns they are committed."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ingest import database
from ingest.core import profile
from ingest.core.addresses import without_ip_addresses
from ingest.core.events import IncomingEvent, Problem, Refused, occurred_at
from ingest.core.identity import Identities, Name, Refusal
from ingest.core.matching import match_keys
from ingest.core.suppression import event_pseudonym
from ingest.ids import new_id, uuid_of
from ingest.models import Event, Identifier, Lead, Merge, Project, RefusedName
from ingest.services import log, merges
from ingest.services.duplicates import NO_KEYS, Keys, note_keys
from ingest.services.identities import LEAD_FIELDS, LeadRow, look_up
from ingest.services.suppressions import pseudonym_key_of, suppressed

_IDENTIFIER_FIELDS = ("id", "project", "kind", "value", "lead", "created_at")
_REFUSED_FIELDS = ("id", "project", "lead", "kind", "value", "reason", "other", "event_id", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event that is in the log: now stored, or there already (`duplicate`); `new_lead`: it is its lead's first.

    `lead_id` is the lead that the event counts for; a duplicate of an event whose person was erased has none.
    """

    event_id: str
    lead_id: UUID | None
    duplicate: bool
    new_lead: bool = False


Outcome = Recorded | Refused


def lead_not_found(lead_id: str) -> Refused:
    """Return the refusal of a lead id that the project does not have."""
    return Refused("lead_not_found", (Problem(pointer="/leadId", detail=f"is no lead of this project: {lead_id}"),))


def record(project_id: UUID, incoming: Sequence[IncomingEvent], *, now: datetime) -> list[Outcome]:
    """Store events of one project and return what became of each, in their order.

    An event id that the project has already, in the log or earlier in `incoming`, is a duplicate whatever else it
    carries, and changes nothing. An event that carries a suppressed name is refused. Leads that nobody knows yet are
    created, and leads that an `identify` says are one person are merged. A number of statements that does not depend
    on how many events there are, but for merges.
    """
    if not incoming:
        return []
    named = [(event.event_id or str(uuid.uuid4()), event) for event in incoming]
    return database.unit_of_work(lambda: record_in_unit_of_work(project_id, named, now=now))


def record_in_unit_of_work(
    project_id: UUID, named: Sequence[tuple[str, IncomingEvent]], *, now: datetime, quiet: bool = False
) -> list[Outcome]:
    """Store events, each given with its id, as a part of the caller's unit of work; `quiet` ones set off nothing."""
    if not named:
        return []
    named = _as_may_be_kept(project_id, named)
    stored = _stored(project_id, {event_id for event_id, _ in named})
    fresh = [event for event_id, event in named if stored.get(event_id) is None]
    found = look_up(project_id, fresh, also=[lead_id for lead_id in stored.values() if lead_id is not None])
    recording = _Recording(
        project_id=project_id,
        now=now,
        quiet=quiet,
        identities=found.identities,
        known_leads=found.leads,
        suppressed=found.suppressed,
        held=found.held,
    )
    return recording.run(named, stored)


def _as_may_be_kept(
    project_id: UUID, named: Sequence[tuple[str, IncomingEvent]]
) -> Sequence[tuple[str, IncomingEvent]]:
    """Return events without IP addresses, unless the project keeps them. A query only if there are any."""
    stripped = [(event_id, without_ip_addresses(event)) for event_id, event in named]
    if all(clean is event for (_, clean), (_, event) in zip(stripped, named, strict=True)):
        return named
    return named if Project.objects.filter(pk=project_id, keeps_ip_addresses=True).exists() else stripped


def _stored(project_id: UUID, event_ids: set[str]) -> dict[str, UUID | None]:
    """Return those of these event ids that the project has, with the leads of the events: none of erased people's."""
    key = pseudonym_key_of(project_id)
    pseudonyms = {event_pseudonym(event_id, key=key): event_id for event_id in event_ids}
    found = database.select_rows(
        Event, ("event_id", "lead"), {"project": project_id, "event_id": event_ids | pseudonyms.keys()}
    )
    return {pseudonyms.get(event_id, event_id): lead_id for event_id, lead_id in found}


@dataclass(slots=True, kw_only=True)
class _Recording:
    """One attempt at storing a request's events: what there was, and what is to be written."""

    project_id: UUID
    now: datetime
    quiet: bool
    identities: Identities
    known_leads: frozenset[UUID]
    suppressed: frozenset[Name]
    held: dict[UUID, LeadRow]
    lines: list[tuple[str, IncomingEvent, UUID]] = field(default_factory=list)
    new_leads: list[UUID] = field(default_factory=list)
    new_names: list[tuple[Name, UUID]] = field(default_factory=list)
    learned: dict[UUID, list[tuple[datetime, str, IncomingEvent]]] = field(default_factory=lambda: defaultdict(list))
    merges: list[tuple[UUID, UUID, str]] = field(default_factory=list)
    refused: list[tuple[UUID, str, Refusal]] = field(default_factory=list)

    def run(self, named: Sequence[tuple[str, IncomingEvent]], stored: dict[str, UUID | None]) -> list[Outcome]:
        answers: list[Refused | tuple[str, UUID | None, bool, bool]] = []
        for event_id, event in named:
            lead = stored.get(event_id)
            refused = suppressed(event, self.suppressed) if lead is None and self.suppressed else None
            if refused is None and event_id in stored:
                answers.append((event_id, lead, True, False))
                continue
            placed = refused or self._place(event_id, event)
            if isinstance(placed, Refused):  # its id is still free for a later one
                answers.append(placed)
            else:
                lead_id, new_lead = placed
                stored[event_id] = lead_id
                answers.append((event_id, lead_id, False, new_lead))
        self._write()
        return [
            answer
            if isinstance(answer, Refused)
            else Recorded(
                event_id=answer[0],
                lead_id=answer[1] and self.identities.home(answer[1]),
                duplicate=answer[2],
                new_lead=answer[3],
            )
            for answer in answers
        ]

    def _place(self, event_id: str, event: IncomingEvent) -> tuple[UUID, bool] | Refused:
        """Decide whose event it is, and note what that says of people; return the lead and whether it is new."""
        told = None
        if event.lead_id is not None:
            told = uuid_of(event.lead_id)
            if told is None or told not in self.known_leads:
                return lead_not_found(event.lead_id)
        # An address among the traits tells who somebody is, but not whose event it is while somebody else has it.
        names = [
            name for name in event.all_names if event.joins or name in event.names or name not in self.identities.taken
        ]
        placement = self.identities.place(names, lead_id=told, joins=event.joins)
        lead_id = placement.lead_id
        if placement.new:
            self.new_leads.append(lead_id)
        self.new_names += [(name, lead_id) for name in placement.attached]
        self.merges += [(absorbed, survivor, event_id) for absorbed, survivor in placement.merges]
        self.refused += [(lead_id, event_id, refusal) for refusal in placement.refused]
        self.lines.append((event_id, event, lead_id))
        if event.traits:
            self.learned[lead_id].append((occurred_at(event, received_at=self.now), event_id, event))
        return lead_id, placement.new

    def _write(self) -> None:
        if not self.lines:
            return
        self._write_leads()
        # Sorted, so that two requests with the same names wait for each other in one direction only.
        database.insert_rows(
            Identifier,
            _IDENTIFIER_FIELDS,
            [
                (new_id(), self.project_id, name.kind, name.value, lead_id, self.now)
                for name, lead_id in sorted(self.new_names)
            ],
        )
        database.insert_missing_rows(
            RefusedName,
            _REFUSED_FIELDS,
            [
                (new_id(), self.project_id, lead_id, *refusal.name, refusal.reason, refusal.other, event_id, self.now)
                for lead_id, event_id, refusal in self.refused
            ],
            unique=("lead", "kind", "value", "reason"),
        )
        log.append(
            self.project_id,
            [
                log.Line(event_id=event_id, event=event, lead_id=lead_id, home=self.identities.home(lead_id))
                for event_id, event, lead_id in self.lines
            ],
            new_lead_ids=self.new_leads,
            now=self.now,
            quiet=self.quiet,
        )
        for absorbed, survivor, event_id in self.merges:
            merges.merge_in_unit_of_work(
                self.project_id, absorbed, survivor, cause=Merge.Cause.EVENT, by=event_id, now=self.now
            )

    def _write_leads(self) -> None:
        """Insert new leads, and update the profiles of those whose events carried traits or an e-mail address.

        What is learned of a lead that becomes part of another in this request stands with the one that survives.
        """
        emails: dict[UUID, str] = {}
        for name, lead_id in self.new_names:
            if name.kind == "email":
                emails.setdefault(self.identities.home(lead_id), name.value)
        learned: dict[UUID, list[tuple[datetime, str, IncomingEvent]]] = defaultdict(list)
        for lead_id, lessons in self.learned.items():
            learned[self.identities.home(lead_id)] += lessons
        new = set(self.new_leads)
        changed = []
        keys: dict[UUID, tuple[Keys, Keys]] = {}
        for lead_id in (learned.keys() | emails.keys()) - new:
            _, project, called, email, company, traits, clock, owner, merged_into, created_at = self.held[lead_id]
            known = _learn(profile.Profile(traits=traits, clock=clock), learned.get(lead_id, ()))
            address = known.email_or(email or emails.get(lead_id, ""))
            shown = (known.name, address, known.company, known.traits, known.clock)
            changed.append((lead_id, project, *shown, owner, merged_into, created_at))
            before = match_keys(name=called, email=email, company=company, traits=traits)
            keys[lead_id] = (before, _keys(known, address))
        database.upsert_rows(
            Lead,
            LEAD_FIELDS,
            changed,
            unique=("id",),
            update=("name", "email", "company", "traits", "trait_clock"),
        )
        created = []
        for lead_id in self.new_leads:
            known = _learn(profile.Profile(traits={}, clock={}), learned.get(lead_id, ()))
            address = known.email_or(emails.get(lead_id, ""))
            shown = (known.name, address, known.company, known.traits, known.clock)
            created.append((lead_id, self.project_id, *shown, None, None, self.now))
            keys[lead_id] = (NO_KEYS, _keys(known, address))
        database.insert_rows(Lead, LEAD_FIELDS, created)
        note_keys(self.project_id, keys)


def _learn(known: profile.Profile, lessons: Sequence[tuple[datetime, str, IncomingEvent]]) -> profile.Profile:
    for when, event_id, event in lessons:
        known = profile.learn(known, event.traits, occurred_at=when, event_id=event_id)
    return known


def _keys(known: profile.Profile, address: str) -> Keys:
    return match_keys(name=known.name, email=address, company=known.company, traits=known.traits)
