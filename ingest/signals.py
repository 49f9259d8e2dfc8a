"""The seam above ingestion: what the apps that build on the event log are told.

`events_stored` is sent inside the transaction that stores events, so what a receiver writes commits with them.
"""

from dataclasses import dataclass
from uuid import UUID

from django.dispatch import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsStored:
    """What one transaction added to a project's log."""

    project_id: UUID
    slots: frozenset[int]
    new_lead_ids: tuple[UUID, ...]


events_stored = Signal()  # sent with `stored: EventsStored`
