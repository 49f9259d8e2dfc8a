"""Store events: whose they are, once each, all of a request or nothing. When it returns they are committed."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ingest import database
from ingest.core import identity, profile
from ingest.core.campaigns import with_campaign
from ingest.core.events import IncomingEvent, Problem, Refused, occurred_at
from ingest.core.identity import Name
from ingest.ids import new_id
from ingest.models import Event, Identifier, Lead, PendingEvent
from ingest.signals import EventsStored, events_stored
from ingest.slots import slot_of

_EVENT_FIELDS = (
    "id", "project", "event_id", "lead", "kind", "event_type", "occurred_at", "received_at", "sent_at", "timestamp",
    "session_id", "properties", "traits", "context",
)  # fmt: skip
_PENDING_FIELDS = ("event", "lead_id", "slot", "due_at", "attempts")
_LEAD_FIELDS = ("id", "project", "name", "email", "company", "traits", "trait_clock", "owner", "created_at")
_IDENTIFIER_FIELDS = ("id", "project", "kind", "value", "lead", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event that is in the log: now stored, or there already (`duplicate`); `new_lead`: it is its lead's first."""

    event_id: str
    lead_id: UUID
    duplicate: bool
    new_lead: bool = False


Outcome = Recorded | Refused


def lead_not_found(lead_id: str) -> Refused:
    """Return the refusal of a lead id that the project does not have."""
    return Refused("lead_not_found", (Problem(pointer="/leadId", detail=f"is no lead of this project: {lead_id}"),))


def record(project_id: UUID, incoming: Sequence[IncomingEvent], *, now: datetime) -> list[Outcome]:
    """Store events of one project and return what became of each, in their order.

    An event id that the project has already, in the log or earlier in `incoming`, is a duplicate whatever else it
    carries, and changes nothing. Leads that nobody knows yet are created. A number of statements that does not
    depend on how many events there are.
    """
    if not incoming:
        return []
    named = [(event.event_id or str(uuid.uuid4()), event) for event in incoming]
    return database.unit_of_work(lambda: record_in_unit_of_work(project_id, named, now=now))


def record_in_unit_of_work(
    project_id: UUID, named: Sequence[tuple[str, IncomingEvent]], *, now: datetime
) -> list[Outcome]:
    """Store events, each given with its id, as a part of the caller's unit of work."""
    return _Recording(project_id=project_id, now=now).run(named)


@dataclass(slots=True, kw_only=True)
class _Recording:
    """One attempt at storing a request's events: what there was, and what is to be written."""

    project_id: UUID
    now: datetime
    known_leads: set[UUID] = field(default_factory=set)
    taken: dict[Name, UUID] = field(default_factory=dict)
    new_leads: dict[UUID, profile.Profile] = field(default_factory=dict)
    new_names: list[tuple[Name, UUID]] = field(default_factory=list)
    learned: dict[UUID, list[tuple[datetime, str, IncomingEvent]]] = field(default_factory=lambda: defaultdict(list))

    def run(self, named: Sequence[tuple[str, IncomingEvent]]) -> list[Outcome]:
        stored: dict[str, UUID] = dict(
            database.select_rows(
                Event,
                ("event_id", "lead"),
                {"project": self.project_id, "event_id": {event_id for event_id, _ in named}},
            )
        )
        self._look_up(event for event_id, event in named if event_id not in stored)
        recorded: dict[str, tuple[Recorded, IncomingEvent]] = {}
        answers: list[Outcome] = []
        for event_id, event in named:
            if event_id in stored:
                answers.append(Recorded(event_id=event_id, lead_id=stored[event_id], duplicate=True))
                continue
            outcome = self._place(event_id, event)
            answers.append(outcome)
            if isinstance(outcome, Recorded):  # the id of a refused event is still free for a later one
                stored[event_id] = outcome.lead_id
                recorded[event_id] = (outcome, event)
        self._write(recorded)
        return answers

    def _look_up(self, events: Iterable[IncomingEvent]) -> None:
        wanted_leads = set()
        wanted_names = defaultdict(set)
        for event in events:
            if event.lead_id is not None and (lead_id := _uuid(event.lead_id)):
                wanted_leads.add(lead_id)
            for name in event.names:
                wanted_names[name.kind].add(name.value)
            if email := _email_trait(event):
                wanted_names["email"].add(email)
        if wanted_leads:
            self.known_leads = set(
                Lead.objects.filter(project=self.project_id, pk__in=wanted_leads).values_list("pk", flat=True)
            )
        if wanted_names:
            # One query for all kinds; it may also find a value of one kind under another, which nobody asks for then.
            found = database.select_rows(
                Identifier,
                ("kind", "value", "lead"),
                {
                    "project": self.project_id,
                    "kind": set(wanted_names),
                    "value": set().union(*wanted_names.values()),
                },
            )
            self.taken = {Name(kind, value): lead for kind, value, lead in found}

    def _place(self, event_id: str, event: IncomingEvent) -> Outcome:
        """Decide whose event it is, and note what that adds to the lead."""
        names = list(event.names)
        new_lead = False
        if event.lead_id is not None:
            lead_id = _uuid(event.lead_id)
            if lead_id is None or lead_id not in self.known_leads:
                return lead_not_found(event.lead_id)
            free = identity.resolve(names, self.taken).free
        else:
            resolution = identity.resolve(names, self.taken)
            free = resolution.free
            lead_id = resolution.lead_id
            if lead_id is None:
                lead_id = new_id()
                new_lead = True
                self.new_leads[lead_id] = profile.Profile(traits={}, clock={})
        if (email := _email_trait(event)) and (name := Name("email", email)) not in self.taken and name not in free:
            free = (*free, name)
        for name in free:
            self.taken[name] = lead_id
            self.new_names.append((name, lead_id))
        if event.traits:
            when = occurred_at(event, received_at=self.now)
            self.learned[lead_id].append((when, event_id, event))
        return Recorded(event_id=event_id, lead_id=lead_id, duplicate=False, new_lead=new_lead)

    def _write(self, recorded: dict[str, tuple[Recorded, IncomingEvent]]) -> None:
        if not recorded:
            return
        self._write_leads()
        # Sorted, so that two requests with the same names or events wait for each other in one direction only.
        database.insert_rows(
            Identifier,
            _IDENTIFIER_FIELDS,
            [
                (new_id(), self.project_id, name.kind, name.value, lead_id, self.now)
                for name, lead_id in sorted(self.new_names)
            ],
        )
        events, pending = [], []
        for event_id, (outcome, event) in recorded.items():
            key = new_id()
            events.append(
                (
                    key,
                    self.project_id,
                    event_id,
                    outcome.lead_id,
                    event.kind,
                    event.event_type,
                    occurred_at(event, received_at=self.now),
                    self.now,
                    event.sent_at,
                    event.timestamp,
                    event.session_id,
                    event.properties,
                    event.traits,
                    with_campaign(event.context, event.properties),
                )
            )
            pending.append((key, outcome.lead_id, slot_of(outcome.lead_id), self.now, 0))
        database.insert_rows(Event, _EVENT_FIELDS, sorted(events, key=lambda row: row[2]))
        database.insert_rows(PendingEvent, _PENDING_FIELDS, pending)
        events_stored.send(
            sender=None,
            stored=EventsStored(
                project_id=self.project_id,
                slots=frozenset(slot for _, _, slot, _, _ in pending),
                new_lead_ids=tuple(self.new_leads),
            ),
        )

    def _write_leads(self) -> None:
        """Insert new leads, and update the profiles of those whose events carried traits or an e-mail address."""
        emails: dict[UUID, str] = {}
        for name, lead_id in self.new_names:
            if name.kind == "email":
                emails.setdefault(lead_id, name.value)
        known = [lead_id for lead_id in self.learned.keys() | emails.keys() if lead_id not in self.new_leads]
        rows = []
        if known:
            database.lock_rows(Lead, known)
            rows = list(Lead.objects.filter(pk__in=known).values_list(*_LEAD_FIELDS))
        changed = []
        for lead_id, project, _, email, _, traits, clock, owner, created_at in rows:
            learned = self._learn(lead_id, profile.Profile(traits=traits, clock=clock))
            changed.append(
                (
                    lead_id,
                    project,
                    learned.name,
                    _shown_email(learned, email or emails.get(lead_id, "")),
                    learned.company,
                    learned.traits,
                    learned.clock,
                    owner,
                    created_at,
                )
            )
        database.upsert_rows(
            Lead,
            _LEAD_FIELDS,
            changed,
            unique=("id",),
            update=("name", "email", "company", "traits", "trait_clock"),
        )
        database.insert_rows(
            Lead,
            _LEAD_FIELDS,
            [
                (
                    lead_id,
                    self.project_id,
                    learned.name,
                    _shown_email(learned, emails.get(lead_id, "")),
                    learned.company,
                    learned.traits,
                    learned.clock,
                    None,
                    self.now,
                )
                for lead_id in self.new_leads
                for learned in [self._learn(lead_id, self.new_leads[lead_id])]
            ],
        )

    def _learn(self, lead_id: UUID, known: profile.Profile) -> profile.Profile:
        for when, event_id, event in self.learned.get(lead_id, ()):
            known = profile.learn(known, event.traits, occurred_at=when, event_id=event_id)
        return known


def _shown_email(learned: profile.Profile, otherwise: str) -> str:
    """Return the e-mail address to show: that of the traits, also when they forgot it; else one the lead came with."""
    return learned.email if "email" in learned.clock else otherwise


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _email_trait(event: IncomingEvent) -> str | None:
    """Return the address among an event's traits, when it is one that can identify somebody."""
    email = event.traits.get("email")
    return identity.normal_email(email) if isinstance(email, str) and identity.is_email(email) else None
