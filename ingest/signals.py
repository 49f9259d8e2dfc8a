"""The seam above ingestion: what the apps that build on the event log are told.

They are sent inside the transaction that stores what they tell of, so what a receiver writes commits with it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.dispatch import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsStored:
    """What one transaction added to a project's log."""

    project_id: UUID
    slots: frozenset[int]
    new_lead_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsChanged:
    """Events of these leads stopped to count, or count again. These stand for themselves, and the
    sender holds their locks.
    """

    project_id: UUID
    lead_ids: tuple[UUID, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsMerged:
    """A lead that stood for itself became part of another, which survives."""

    project_id: UUID
    absorbed: UUID
    survivor: UUID
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsSeparated:
    """A lead that was part of another stands for itself again."""

    project_id: UUID
    separated: UUID
    survivor: UUID
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased:
    """Everything of a person is about to go: the leads they are, and all rows that refer to those."""

    project_id: UUID
    lead_ids: frozenset[UUID]


events_stored = Signal()  # sent with `stored: EventsStored`
counts_changed = Signal()  # sent with `changed: CountsChanged`
leads_merged = Signal()  # sent with `merged: LeadsMerged`
leads_separated = Signal()  # sent with `separated: LeadsSeparated`
person_erased = Signal()  # sent with `erased: PersonErased`
