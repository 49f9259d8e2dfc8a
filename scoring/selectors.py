"""Read what scoring stores, and what it needs of the log. Every query starts from a project or from leads of one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from ingest.models import Event
from ingest.selectors import LOG_FIELDS, LogRow
from scoring.models import LeadState


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A lead's stored state, as `scoring.core.engine.dump_state` wrote it."""

    state: dict[str, Any]
    last_event_at: datetime | None


def standings_of(lead_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Return the stored states of these leads; those that were never scored are left out."""
    rows = LeadState.objects.filter(lead__in=lead_ids).values_list("lead", "state", "last_event_at")
    return {
        lead_id: Standing(state=state, last_event_at=last_event_at) for lead_id, state, last_event_at in rows if state
    }


def countable_log(lead_ids: Sequence[UUID], *, with_pending: Sequence[UUID] = ()) -> list[LogRow]:
    """Return the `LOG_FIELDS` of the events that make these leads' scores, in no order.

    That is what has been scored, and of what is pending only `with_pending`; parked events do not count.
    """
    events = Event.objects.filter(lead__in=lead_ids, dead_letter__isnull=True)
    if with_pending:
        events = events.filter(Q(pending__isnull=True) | Q(pk__in=with_pending))
    else:
        events = events.filter(pending__isnull=True)
    return list(events.values_list(*LOG_FIELDS))
