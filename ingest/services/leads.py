"""Create leads and change what is known of them. Both are events, so that a replay needs nothing but the log."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ingest import database
from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Identifier
from ingest.services.events import Recorded, record_in_unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCreated:
    lead_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadUpdated:
    lead_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTaken:
    """Refused: one of the names belongs to this lead already."""

    name: Name
    lead_id: UUID


def create_lead(
    project_id: UUID, *, names: Sequence[Name], traits: Mapping[str, Any], now: datetime
) -> LeadCreated | NameTaken:
    """Create a lead that answers to `names`, none of which may be taken. One without any name is fine.

    Raises `Refused` when a name is suppressed.
    """
    event = IncomingEvent(event_type="lead_created", kind="profile", names=tuple(names), traits=traits)

    def work() -> LeadCreated | NameTaken:
        if taken := _taken(project_id, names):
            return taken
        created, new = _record(project_id, event, now)
        if not new:
            raise database.Overtaken
        return LeadCreated(lead_id=created)

    return database.unit_of_work(work)


def update_lead(
    project_id: UUID, lead_id: UUID, *, names: Sequence[Name] = (), traits: Mapping[str, Any], now: datetime
) -> LeadUpdated | NameTaken:
    """Change traits of a lead of this project (null forgets one) and let it answer to more `names`.

    Raises `Refused` when a name is suppressed, or the lead is not there any more.
    """
    event = IncomingEvent(
        event_type="lead_updated", kind="profile", lead_id=str(lead_id), names=tuple(names), traits=traits
    )

    def work() -> LeadUpdated | NameTaken:
        if taken := _taken(project_id, names, unless_by=lead_id):
            return taken
        updated, _ = _record(project_id, event, now)
        if _taken(project_id, names, unless_by=lead_id):
            raise database.Overtaken
        return LeadUpdated(lead_id=updated)

    return database.unit_of_work(work)


def _record(project_id: UUID, event: IncomingEvent, now: datetime) -> tuple[UUID, bool]:
    """Store what was entered and return its lead, and whether that is a new one."""
    (outcome,) = record_in_unit_of_work(project_id, [(str(uuid.uuid4()), event)], now=now)
    if not isinstance(outcome, Recorded):
        raise outcome
    if outcome.lead_id is None:  # a duplicate, of an id made a moment ago
        raise database.Overtaken
    return outcome.lead_id, outcome.new_lead


def _taken(project_id: UUID, names: Sequence[Name], *, unless_by: UUID | None = None) -> NameTaken | None:
    for name in names:
        lead_id = (
            Identifier.objects.filter(project=project_id, kind=name.kind, value=name.value)
            .values_list("lead", flat=True)
            .first()
        )
        if lead_id is not None and lead_id != unless_by:
            return NameTaken(name=name, lead_id=lead_id)
    return None
