"""Put adjustments into the event log. They are events that only we can write: what clients send is never one."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest import database
from ingest.core.adjustments import EVENT_TYPE, Adjustment, Author, properties_of
from ingest.core.events import IncomingEvent
from ingest.models import Event
from ingest.services.events import Outcome, Recorded, record_in_unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTaken:
    """Refused: the project has an event of this id already, which is no adjustment of this lead."""

    adjustment_id: str


def record_adjustment(
    project_id: UUID, lead_id: UUID, adjustment: Adjustment, *, author: Author, now: datetime
) -> Outcome | IdTaken:
    """Store an adjustment of a lead; the same id again is a duplicate and changes nothing."""
    event_id = adjustment.adjustment_id or str(uuid.uuid4())
    event = IncomingEvent(
        event_type=EVENT_TYPE,
        kind="adjustment",
        lead_id=str(lead_id),
        properties=properties_of(adjustment, author),
    )

    def work() -> Outcome | IdTaken:
        (outcome,) = record_in_unit_of_work(project_id, [(event_id, event)], now=now)
        if isinstance(outcome, Recorded) and outcome.duplicate and not _is_adjustment(project_id, event_id, lead_id):
            return IdTaken(adjustment_id=event_id)
        return outcome

    return database.unit_of_work(work)


def _is_adjustment(project_id: UUID, event_id: str, lead_id: UUID) -> bool:
    return Event.objects.filter(
        project=project_id, event_id=event_id, lead=lead_id, kind=Event.Kind.ADJUSTMENT
    ).exists()
