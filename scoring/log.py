"""The event log as the engine takes it: which events count, and each as the engine's own value."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from ingest.models import Event
from ingest.selectors import LOG_FIELDS, LogRow
from scoring.core.engine import ScorableEvent


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


def scorable(row: LogRow) -> ScorableEvent:
    """Return a row of the event log as the engine takes it."""
    key, event_id, _, _, event_type, occurred_at, properties, traits, context = row
    return ScorableEvent(
        key=str(key),
        event_id=event_id,
        event_type=event_type,
        occurred_at=occurred_at,
        properties=properties,
        traits=traits,
        context=context,
    )
