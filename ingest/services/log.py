"""Append to the event log. Each line is marked as pending with it, for the queue of the lead that it counts for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest import database
from ingest.core.campaigns import with_campaign
from ingest.core.events import IncomingEvent, occurred_at
from ingest.ids import new_id
from ingest.models import Event, PendingEvent
from ingest.services import verdicts
from ingest.signals import EventsStored, events_stored
from ingest.slots import slot_of

_EVENT_FIELDS = (
    "id", "project", "event_id", "lead", "kind", "event_type", "occurred_at", "received_at", "sent_at", "timestamp",
    "session_id", "properties", "traits", "context",
)  # fmt: skip
_PENDING_FIELDS = ("event", "lead_id", "slot", "due_at", "attempts", "quiet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An event to be stored: of the lead it is given to, counting for the one that stands for that lead (`home`)."""

    event_id: str
    event: IncomingEvent
    lead_id: UUID
    home: UUID


def append(
    project_id: UUID, lines: Sequence[Line], *, new_lead_ids: Sequence[UUID] = (), now: datetime, quiet: bool = False
) -> None:
    """Store events of one project, as a part of the caller's unit of work, and tell who builds on the log.

    Scoring `quiet` ones sets off no automation.
    """
    if not lines:
        return
    events, pending = [], []
    for line in lines:
        key, event = new_id(), line.event
        events.append(
            (
                key,
                project_id,
                line.event_id,
                line.lead_id,
                event.kind,
                event.event_type,
                occurred_at(event, received_at=now),
                now,
                event.sent_at,
                event.timestamp,
                event.session_id,
                event.properties,
                event.traits,
                with_campaign(event.context, event.properties),
            )
        )
        pending.append((key, line.home, slot_of(line.home), now, 0, quiet))
    # Sorted, so that two requests with the same events wait for each other in one direction only.
    database.insert_rows(Event, _EVENT_FIELDS, sorted(events, key=lambda row: row[2]))
    if bots := verdicts.judge(project_id, [(row[0], row[13]) for row in events], now=now):
        pending = [row for row in pending if row[0] not in bots]
    database.insert_rows(PendingEvent, _PENDING_FIELDS, pending)
    events_stored.send(
        sender=None,
        stored=EventsStored(
            project_id=project_id,
            slots=frozenset(row[2] for row in pending),
            new_lead_ids=tuple(new_lead_ids),
        ),
    )
