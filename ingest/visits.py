"""Read the visits of a lead, page by page, and what brought it. Costs what a page shows, however long the log is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, QuerySet

from ingest.core import visits as core
from ingest.core.visits import Touch, Visit, VisitEvent
from ingest.models import Event
from ingest.pages import CursorInvalid, Page, read_cursor, read_moment, write_cursor

LOOKED_AT = 500  # events at a time
MOST_LOOKS = 4
MOST_EVENTS = 2_000  # of the visits of a page; of longer ones the beginning is told, and the number of all
FOR_TOUCHES = 50
_LIGHT = ("pk", "occurred_at", "event_id", "session_id")
_LAST = "\uffff"  # sorts after every name


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitView:
    """A visit as lists show it. `event_keys` are those of its events, of a very long one of the first."""

    session_id: str
    began_at: datetime
    ended_at: datetime
    event_count: int
    event_keys: tuple[UUID, ...]
    pages: tuple[str, ...]
    touch: Touch
    device: str

    @property
    def seconds(self) -> int:
        return int((self.ended_at - self.began_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a page begins: after the visit of that end and name; events without a session are before `rest`."""

    ended_at: datetime
    name: str
    rest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    began_at: datetime
    ended_at: datetime
    count: int


def visits_page(lead_ids: Sequence[UUID], *, cursor: str | None, limit: int) -> Page[VisitView]:
    """Return visits of a lead (given by all its ids), the one that ended last first; raise `CursorInvalid`."""
    place = _read(cursor) if cursor else None
    found, exhausted, low = _found(lead_ids, place, limit)
    chosen = found[:limit]
    more = len(found) > limit or not exhausted
    rest = min([visit.began_at for visit, _ in chosen if not visit.session_id], default=place and place.rest)
    end = (chosen[-1][1].ended_at, chosen[-1][0].name) if chosen else (low, _LAST)
    following = write_cursor([end[0].isoformat(), end[1], rest and rest.isoformat()]) if more and end[0] else None
    return Page(rows=_views(lead_ids, chosen), next=following, previous=None)


_Found = tuple[Visit, _Span]


def _found(lead_ids: Sequence[UUID], place: _Place | None, limit: int) -> tuple[list[_Found], bool, datetime | None]:
    """Return visits after a place, one more than asked for where there are so many; whether these are all; how far it
    was looked."""
    read: dict[UUID, VisitEvent] = {}
    low = None if place is None else place.ended_at
    found: list[_Found] = []
    for _ in range(MOST_LOOKS):
        rows = _look(lead_ids, place, low=low, without=read)
        exhausted = len(rows) < LOOKED_AT
        read |= {event.key: event for event in rows}
        low = rows[-1].occurred_at if rows else low
        found = [
            (visit, span)
            for visit, span in _with_spans(lead_ids, core.visits_of(read.values()))
            if (place is None or (span.ended_at, visit.name) < (place.ended_at, place.name))
            and (exhausted or (low is not None and span.ended_at > low))
        ]
        found.sort(key=lambda each: (each[1].ended_at, each[0].name), reverse=True)
        goes_on = low is not None and any(
            not visit.session_id and visit.began_at - core.GAP <= low for visit, _ in found[:limit]
        )
        if exhausted or (len(found) > limit and not goes_on):
            break
    return found, exhausted, low


def _look(
    lead_ids: Sequence[UUID], place: _Place | None, *, low: datetime | None, without: dict[UUID, VisitEvent]
) -> list[VisitEvent]:
    """Return the next events, light ones, the newest first, of sessions that have not been seen and of no session."""
    events = _of(lead_ids)
    if low is not None:
        events = events.filter(occurred_at__lte=low)
    if place is not None and place.rest is not None:
        events = events.exclude(session_id="", occurred_at__gte=place.rest)
    seen = {event.session_id for event in without.values() if event.session_id}
    if seen:
        events = events.exclude(session_id__in=seen)
    if low is not None and (same := [key for key, event in without.items() if event.occurred_at == low]):
        events = events.exclude(pk__in=same)
    return [
        VisitEvent(key=key, occurred_at=occurred_at, event_id=event_id, session_id=session_id)
        for key, occurred_at, event_id, session_id in events.order_by("-occurred_at", "-pk").values_list(*_LIGHT)[
            :LOOKED_AT
        ]
    ]


def _with_spans(lead_ids: Sequence[UUID], visits: Sequence[Visit]) -> list[_Found]:
    """Return visits with how long they really are: of a session only a part may have been read."""
    sessions = [visit.session_id for visit in visits if visit.session_id]
    rows = (
        _of(lead_ids)
        .exclude(session_id="")
        .filter(session_id__in=sessions)
        .order_by()
        .values_list("session_id")
        .annotate(began=Min("occurred_at"), ended=Max("occurred_at"), count=Count("pk"))
        if sessions
        else ()
    )
    spans = {name: _Span(began_at=began, ended_at=ended, count=count) for name, began, ended, count in rows}
    return [
        (
            visit,
            spans[visit.session_id]
            if visit.session_id in spans
            else _Span(began_at=visit.began_at, ended_at=visit.ended_at, count=len(visit.events)),
        )
        for visit in visits
    ]


def _views(lead_ids: Sequence[UUID], chosen: Sequence[_Found]) -> list[VisitView]:
    sessions = [visit.session_id for visit, _ in chosen if visit.session_id]
    rest = [event.key for visit, _ in chosen if not visit.session_id for event in visit.events][:MOST_EVENTS]
    events: list[VisitEvent] = []
    if sessions:
        events += _whole(_of(lead_ids).exclude(session_id="").filter(session_id__in=sessions))
    if rest:
        events += _whole(Event.objects.filter(pk__in=rest))
    told: dict[str, list[VisitEvent]] = {name: [] for name in sessions}
    by_key = {event.key: event for event in events}
    for event in sorted(events, key=lambda event: (event.occurred_at, event.event_id)):
        if event.session_id in told:
            told[event.session_id].append(event)
    return [
        _view(
            visit,
            span,
            told[visit.session_id]
            if visit.session_id
            else [by_key[event.key] for event in visit.events if event.key in by_key],
        )
        for visit, span in chosen
    ]


def _view(visit: Visit, span: _Span, events: Sequence[VisitEvent]) -> VisitView:
    return VisitView(
        session_id=visit.session_id,
        began_at=span.began_at,
        ended_at=span.ended_at,
        event_count=span.count,
        event_keys=tuple(event.key for event in events),
        pages=core.pages_of(events),
        touch=next(filter(None, map(core.touch_of, events)), Touch()),
        device=core.device_of(events),
    )


def touches_of(lead_ids: Sequence[UUID]) -> tuple[Touch, Touch]:
    """Return what first and what last brought a lead, as far as its first and its newest events tell."""
    events = _of(lead_ids)
    oldest = _whole(events.order_by("occurred_at", "pk"), limit=FOR_TOUCHES)
    newest = _whole(events.order_by("-occurred_at", "-pk"), limit=FOR_TOUCHES)
    first = (touch for event in oldest for touch in (core.remembered_touch(event, "firstTouch"), core.touch_of(event)))
    last = (touch for event in newest for touch in (core.touch_of(event), core.remembered_touch(event, "lastTouch")))
    return next(filter(None, first), Touch()), next(filter(None, last), Touch())


def _of(lead_ids: Sequence[UUID]) -> QuerySet[Event]:
    return Event.objects.filter(lead__in=lead_ids, kind=Event.Kind.ACTIVITY)


def _whole(events: QuerySet[Event], *, limit: int = MOST_EVENTS) -> list[VisitEvent]:
    if not events.query.order_by:
        events = events.order_by("occurred_at", "pk")
    fields = ("pk", "occurred_at", "event_id", "session_id", "event_type", "properties", "context")
    return [
        VisitEvent(
            key=key,
            occurred_at=occurred_at,
            event_id=event_id,
            session_id=session_id,
            event_type=event_type,
            properties=properties,
            context=context,
        )
        for key, occurred_at, event_id, session_id, event_type, properties, context in events.values_list(*fields)[
            :limit
        ]
    ]


def _read(cursor: str) -> _Place:
    values = read_cursor(cursor)
    if len(values) != 3 or not all(isinstance(value, str) for value in values[:2]):
        raise CursorInvalid
    ended_at, name, rest = values
    return _Place(ended_at=read_moment(ended_at), name=name, rest=None if rest is None else read_moment(rest))
