"""A lead's timeline: its events, the stages they led to and the automations that ran, newest first.

Three tables are read side by side, each from where the cursor stands, and merged, so a page costs the same at
any depth.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from automation.selectors import RunLine, run_line, runs_with_deliveries
from ingest.models import Event
from ingest.pages import CursorInvalid, Page, read_cursor, read_moment, write_cursor
from ingest.selectors import members_of
from scoring.core.points import to_number
from scoring.models import ScoreEntry
from scoring.selectors import primary_scorecard


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChange:
    """A stage of the primary scorecard that the lead left for another."""

    occurred_at: datetime
    event_id: str
    event_type: str
    old_stage: str
    new_stage: str
    old_score: int | float
    new_score: int | float


Happening = Event | StageChange | RunLine
"""An event of kind `merge` is one of its own: two leads became one, or two again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a happening stands: by time, at one time by its kind, within a kind by a key unique there."""

    occurred_at: datetime
    rank: int
    key: str

    @property
    def sort_key(self) -> tuple[datetime, int, int]:
        return (self.occurred_at, self.rank, int(self.key, 16))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A table with happenings: its `rank` among those of one instant, and the column that orders it."""

    rank: int
    rows: QuerySet[Any]
    key: str
    parse_key: Callable[[str], object]
    represent: Callable[[Any], Happening]

    def read(self, cursor: _Place | None, *, backwards: bool, limit: int) -> list[tuple[_Place, Happening]]:
        rows = self.rows if cursor is None else self.rows.filter(self._beyond(cursor, backwards=backwards))
        order = ("occurred_at", self.key) if backwards else ("-occurred_at", f"-{self.key}")
        return [(self._place(row), self.represent(row)) for row in rows.order_by(*order)[:limit]]

    def _beyond(self, cursor: _Place, *, backwards: bool) -> Q:
        beyond = "gt" if backwards else "lt"
        at_once = self.rank > cursor.rank if backwards else self.rank < cursor.rank
        if self.rank == cursor.rank:
            return Q(**{f"occurred_at__{beyond}e": cursor.occurred_at}) & (
                Q(**{f"occurred_at__{beyond}": cursor.occurred_at})
                | Q(**{f"{self.key}__{beyond}": self.parse_key(cursor.key)})
            )
        return Q(**{f"occurred_at__{beyond}{'e' if at_once else ''}": cursor.occurred_at})

    def _place(self, row: Any) -> _Place:
        key = getattr(row, self.key)
        occurred_at: datetime = row.occurred_at
        return _Place(occurred_at=occurred_at, rank=self.rank, key=key.hex if isinstance(key, UUID) else f"{key:x}")


def timeline_page(project_id: UUID, lead_id: UUID, *, cursor: str | None, limit: int) -> Page[Happening]:
    """Return one page of a lead's timeline, newest first. Six queries; raises `CursorInvalid`."""
    backwards, place = _decode(cursor) if cursor else (False, None)
    found = [source.read(place, backwards=backwards, limit=limit + 1) for source in _sources(project_id, lead_id)]
    merged = list(heapq.merge(*found, key=lambda pair: pair[0].sort_key, reverse=not backwards))
    more = len(merged) > limit
    rows = merged[:limit]
    if backwards:
        rows.reverse()
    has_next = bool(cursor) if backwards else more
    has_previous = more if backwards else bool(cursor)
    return Page(
        rows=[happening for _, happening in rows],
        next=_encode(rows[-1][0], backwards=False) if rows and has_next else None,
        previous=_encode(rows[0][0], backwards=True) if rows and has_previous else None,
    )


def _sources(project_id: UUID, lead_id: UUID) -> Sequence[_Source]:
    members = members_of(lead_id)
    # At one instant: first the event, then the stage it led to, then what was done about it.
    return (
        _Source(
            rank=0,
            rows=Event.objects.filter(project=project_id, lead__in=members).select_related("verdict__ruling"),
            key="id",
            parse_key=UUID,
            represent=_event,
        ),
        _Source(
            rank=1,
            rows=ScoreEntry.objects.filter(
                project=project_id, lead=lead_id, scorecard=primary_scorecard(project_id).name
            ).exclude(old_stage=F("new_stage")),
            key="sequence",
            parse_key=lambda text: int(text, 16),
            represent=_stage_change,
        ),
        _Source(
            rank=2,
            rows=runs_with_deliveries(project_id).filter(lead__in=members),
            key="id",
            parse_key=UUID,
            represent=run_line,
        ),
    )


def _event(event: Event) -> Event:
    return event


def _stage_change(entry: ScoreEntry) -> StageChange:
    return StageChange(
        occurred_at=entry.occurred_at,
        event_id=entry.client_event_id,
        event_type=entry.event_type,
        old_stage=entry.old_stage,
        new_stage=entry.new_stage,
        old_score=to_number(entry.old_score),
        new_score=to_number(entry.new_score),
    )


def _encode(place: _Place, *, backwards: bool) -> str:
    return write_cursor([int(backwards), place.occurred_at.isoformat(), place.rank, place.key])


def _decode(cursor: str) -> tuple[bool, _Place]:
    try:
        backwards, moment, rank, key = read_cursor(cursor)
        occurred_at = read_moment(moment)
        if rank not in (0, 1, 2):
            raise CursorInvalid
        key = f"{int(key, 16):x}" if rank == 1 else UUID(key).hex
    except (ValueError, TypeError, AttributeError) as error:
        raise CursorInvalid from error
    return bool(backwards), _Place(occurred_at=occurred_at, rank=rank, key=key)
