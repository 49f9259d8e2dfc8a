"""The event log as the engine takes it: which events count, and each as the engine's own value."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db.models import Q

from ingest import database
from ingest.core.adjustments import points_of
from ingest.models import Event
from ingest.selectors import LOG_FIELDS, LogRow, counting, members_of_leads
from scoring.core.engine import ScorableEvent
from scoring.core.explain import Note


def logs_of(
    lead_ids: Collection[UUID], *, with_pending: Sequence[UUID] = (), received_by: datetime | None = None
) -> dict[UUID, list[LogRow]]:
    """Return per lead the `LOG_FIELDS` of the events that make its score, in no order. Two queries.

    The leads stand for themselves; their logs hold those of the leads that were merged into them. What counts is what
    has been scored, and of what is pending only `with_pending`; parked and excluded events do not.
    `received_by`: what was known at a moment.
    """
    logs: dict[UUID, list[LogRow]] = {lead_id: [] for lead_id in lead_ids}
    homes = members_of_leads(lead_ids, known_at=received_by)
    for row in _countable(homes, with_pending=with_pending, received_by=received_by):
        logs[homes[row[2]]].append(row)
    return logs


def _countable(
    members: Collection[UUID], *, with_pending: Sequence[UUID], received_by: datetime | None
) -> list[LogRow]:
    counted = counting(Event.objects.all(), known_at=received_by)
    events = counted.filter(lead__in=members, dead_letter__isnull=True)
    if received_by is not None:
        events = events.filter(received_at__lte=received_by)
    if with_pending:
        events = events.filter(Q(pending__isnull=True) | Q(pk__in=with_pending))
    else:
        events = events.filter(pending__isnull=True)
    return database.rows_of(events, LOG_FIELDS)


def log_from(
    members: Collection[UUID], *, after: datetime | None, limit: int, now: datetime
) -> tuple[list[LogRow], bool]:
    """Return events that count and come after a moment, with what is pending and due; and whether these are all.

    A part of about `limit` events of a long log, in no order. It ends between two moments, never between events of one.
    """
    counted = counting(Event.objects.all()).filter(lead__in=members, dead_letter__isnull=True)
    events = counted.filter(Q(pending__isnull=True) | Q(pending__due_at__lte=now))
    if after is not None:
        events = events.filter(occurred_at__gt=after)
    moments = events.order_by("occurred_at").values_list("occurred_at", flat=True)
    end = next(iter(moments[limit - 1 : limit]), None)
    if end is not None:
        events = events.filter(occurred_at__lte=end)
    return database.rows_of(events, LOG_FIELDS), end is None


_ADJUSTMENT = Event.Kind.ADJUSTMENT.value
_TOLD = frozenset({Event.Kind.PROFILE.value, Event.Kind.MERGE.value})  # what is said of a lead, and nothing it did


def scorable(row: LogRow) -> ScorableEvent:
    """Return a row of the event log as the engine takes it.

    What makes an adjustment is its kind, which only we write; a client's event of that name is like any other.
    """
    key, event_id, _, kind, event_type, occurred_at, properties, traits, context = row
    adjusts = kind == _ADJUSTMENT
    return ScorableEvent(
        key=key,
        event_id=event_id,
        event_type=event_type,
        occurred_at=occurred_at,
        properties=properties,
        traits=traits,
        context=context,
        points=points_of(properties) if adjusts else None,
        scorecard=str(properties["scorecard"]) if adjusts and "scorecard" in properties else None,
        told=kind in _TOLD,
    )


def note_of(row: LogRow) -> Note:
    """Return what an adjustment's row says of it: who made it, and why."""
    properties = cast("dict[str, Any]", row[6])
    return Note(author=properties["author"]["name"], reason=properties["reason"])
