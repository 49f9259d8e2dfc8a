"""Walk through all leads of a project, to rescore them or to preview a draft: in parts, in steps, to the end.

A walk stands in the database before any task is sent for it, and every step moves its part's cursor in the transaction
that does the work. So a task may be lost, doubled or killed: the sweep finds parts that stand still and sends another.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.utils import timezone

from ingest import background, database
from ingest.models import Lead, Project, User
from ingest.slots import SLOTS
from scoring import routing
from scoring.core.fingerprint import fingerprint
from scoring.core.preview import Tally
from scoring.core.ruleset import compile_ruleset, dump_ruleset, parse_ruleset
from scoring.core.schema import RulesetSpec
from scoring.core.timeline import Timeline
from scoring.models import Walk, WalkPart
from scoring.services.movers import told
from scoring.services.rescore import batches, preview_leads, rescore_leads
from scoring.services.rulesets import latest_version
from scoring.signals import previewed
from scoring.timelines import timeline_of

STALLED_AFTER = timedelta(seconds=60)
MAX_FAILURES = 3

logger = structlog.get_logger(__name__)


class _Overtaken(Exception):
    """Somebody else has moved the part on, or ended its walk: this step must not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a walk has come."""

    done: int
    total: int
    seconds: float

    @property
    def rate(self) -> float:
        """Return how many leads it goes through a second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Return in how many seconds it will be done at this rate, None when nothing is known yet."""
        return (self.total - self.done) / self.rate if self.done and self.total >= self.done else None

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 100


def start_rescore(project_id: UUID, *, by: User | None, now: datetime, in_background: bool = True) -> Walk:
    """Begin to rescore a project with the rules in force, or return the walk that is at it already.

    An earlier one, for rules that are not in force any more, ends. In the background the leads are split over the lead
    queues, so that each lead is folded by the one consumer that also scores its new events.
    """
    version = latest_version(project_id)
    split = list(routing.slots_by_queue().values()) if in_background else [tuple(range(SLOTS))]

    def work() -> Walk:
        database.lock_rows(Project, [project_id])
        for walk in _running(project_id, Walk.Kind.RESCORE):
            if walk.ruleset_version == version.number:
                return walk
            _end(walk, Walk.Status.SUPERSEDED, now=now)
        return _create(
            Walk(
                project_id=project_id,
                kind=Walk.Kind.RESCORE,
                ruleset_version=version.number,
                content_hash=version.content_hash,
                requested_by=by,
                started_at=now,
            ),
            split,
            send=in_background,
        )

    return database.unit_of_work(work)


def start_preview(project_id: UUID, draft: RulesetSpec, *, by: User | None, now: datetime) -> Walk:
    """Begin to count what publishing a draft from always would do; return the walk that is at it already, if any."""
    content = dump_ruleset(draft)
    wanted = (latest_version(project_id).number, fingerprint(content))

    def work() -> Walk:
        database.lock_rows(Project, [project_id])
        for walk in _running(project_id, Walk.Kind.PREVIEW):
            if (walk.ruleset_version, walk.content_hash) == wanted:
                return walk
            _end(walk, Walk.Status.SUPERSEDED, now=now)
        return _create(
            Walk(
                project_id=project_id,
                kind=Walk.Kind.PREVIEW,
                ruleset_version=wanted[0],
                content_hash=wanted[1],
                content=content,
                requested_by=by,
                started_at=now,
            ),
            [tuple(range(SLOTS))],
            send=True,
        )

    return database.unit_of_work(work)


def _create(walk: Walk, split: Sequence[Sequence[int]], *, send: bool) -> Walk:
    walk.total = Lead.objects.filter(project=walk.project_id, merged_into=None).count()
    walk.save()
    parts = [WalkPart(walk=walk, slots=list(slots), moved_at=walk.started_at) for slots in split if slots]
    WalkPart.objects.bulk_create(parts)
    if send:
        database.on_commit(lambda: _send_all(parts))
    return walk


def _send_all(parts: Sequence[WalkPart]) -> None:
    for part in parts:
        _send(part)


def _send(part: WalkPart) -> None:
    """Send the task that goes on with a part. It names the cursor, so that of doubled tasks one goes on."""
    queues = routing.queues_of(part.slots) if part.walk.kind == Walk.Kind.RESCORE else set()
    queue = queues.pop() if len(queues) == 1 else "system"
    background.start("scoring.tasks.walk", part.pk, part.cursor, queue=queue)


def _running(project_id: UUID, kind: Walk.Kind) -> list[Walk]:
    return list(Walk.objects.filter(project=project_id, kind=kind, status=Walk.Status.RUNNING))


def _end(walk: Walk, status: Walk.Status, *, now: datetime, error: str = "") -> None:
    WalkPart.objects.filter(walk=walk, finished_at=None).update(finished_at=now)
    Walk.objects.filter(pk=walk.pk).update(status=status, finished_at=now, error=error[:500])


# --- One part --------------------------------------------------------------------------------------------------------


def steps(part_id: UUID, *, cursor: UUID | None = None, any_cursor: bool = False) -> Iterator[int]:
    """Go on with a part, yielding the number of leads done after each step; it ends with the part.

    With a cursor that is not the part's (somebody was here before) nothing is done, unless any will do.
    """
    part = WalkPart.objects.select_related("walk").filter(pk=part_id, finished_at=None).first()
    if part is None or (part.cursor != cursor and not any_cursor):
        return
    step = _rescore(part) if part.walk.kind == Walk.Kind.RESCORE else _preview(part)
    try:
        for lead_ids in batches(part.walk.project_id, after=part.cursor, slots=part.slots):
            step(lead_ids)
            part.cursor = lead_ids[-1]
            yield len(lead_ids)
    except _Overtaken:
        return
    _finish(part)


_Step = Callable[[Sequence[UUID]], None]


def _rescore(part: WalkPart) -> _Step:
    """Return the step that rescores leads and moves the cursor behind them in one unit of work."""
    project_id = part.walk.project_id

    def step(lead_ids: Sequence[UUID]) -> None:
        def work() -> dict[str, Any]:
            return _move(part, lead_ids, rescore_leads(project_id, lead_ids, now=timezone.now()))

        part.tally = database.unit_of_work(work)

    return step


def _preview(part: WalkPart) -> _Step:
    """Return the step that previews leads; it only reads, so it keeps nobody from writing meanwhile."""
    timeline = preview_timeline(part.walk)
    project_id = part.walk.project_id

    def step(lead_ids: Sequence[UUID]) -> None:
        found = preview_leads(project_id, lead_ids, timeline, now=timezone.now())
        part.tally = _move(part, lead_ids, found)

    return step


def preview_timeline(walk: Walk) -> Timeline:
    """Return the timeline there would be if the draft that a walk previews were published from always."""
    zone = timeline_of(walk.project_id).latest.time_zone
    ruleset = compile_ruleset(parse_ruleset(walk.content), number=walk.ruleset_version + 1, time_zone=zone)
    return Timeline.build([(None, ruleset)])


def _move(part: WalkPart, lead_ids: Sequence[UUID], found: Tally) -> dict[str, Any]:
    """Move the cursor behind these leads, if it is still where this part was found; return the new tally."""
    found.merge(Tally.load(part.tally))
    tally = found.dump()
    moved = WalkPart.objects.filter(pk=part.pk, cursor=part.cursor, finished_at=None).update(
        cursor=lead_ids[-1], done=F("done") + len(lead_ids), tally=tally, failures=0, moved_at=timezone.now()
    )
    if not moved:
        raise _Overtaken
    return tally


def _finish(part: WalkPart) -> None:
    """End a part, and with the last one its walk."""
    now = timezone.now()

    def work() -> None:
        database.lock_rows(Walk, [part.walk_id])
        WalkPart.objects.filter(pk=part.pk, finished_at=None).update(finished_at=now)
        walk = Walk.objects.get(pk=part.walk_id)
        parts = list(WalkPart.objects.filter(walk=walk))
        if walk.status != Walk.Status.RUNNING or any(each.finished_at is None for each in parts):
            return
        tally = Tally()
        for each in parts:
            tally.merge(Tally.load(each.tally))
        timeline = preview_timeline(walk) if walk.kind == Walk.Kind.PREVIEW else None
        walk.result = told(walk.project_id, tally, timeline, now=now)
        if walk.kind == Walk.Kind.PREVIEW:
            for _, more in previewed.send(sender=None, project_id=walk.project_id, tally=tally):
                walk.result |= more
        walk.status, walk.finished_at = Walk.Status.DONE, now
        walk.save()

    database.unit_of_work(work)


def walk_on(part_id: UUID, cursor: UUID | None, *, seconds: float) -> None:
    """Go on with a part for some seconds; then send a task that goes on, so that others have their turn.

    A part that keeps failing where it stands ends its walk, with the reason where people see it.
    """
    deadline = time.monotonic() + seconds
    try:
        for _ in steps(part_id, cursor=cursor):
            if time.monotonic() > deadline:
                _send(WalkPart.objects.select_related("walk").get(pk=part_id))
                return
    except (OperationalError, InterfaceError):
        raise  # the database is away: the sweep goes on when it is back
    except Exception as error:
        logger.exception("walk_stopped", part=str(part_id))
        _count_failure(part_id, error)


def _count_failure(part_id: UUID, error: Exception) -> None:
    WalkPart.objects.filter(pk=part_id).update(failures=F("failures") + 1)
    part = WalkPart.objects.select_related("walk").filter(pk=part_id).first()
    if part is not None and part.failures >= MAX_FAILURES:
        _end(part.walk, Walk.Status.FAILED, now=timezone.now(), error=f"{type(error).__name__}: {error}")


def go_on(*, now: datetime) -> int:
    """Send tasks for the parts that stand still, because theirs was lost or killed; return how many."""
    stalled = WalkPart.objects.select_related("walk").filter(finished_at=None, moved_at__lt=now - STALLED_AFTER)
    parts = list(stalled)
    WalkPart.objects.filter(pk__in=[part.pk for part in parts]).update(moved_at=now)
    _send_all(parts)
    return len(parts)


# --- What people look at ---------------------------------------------------------------------------------------------


def newest_walk(project_id: UUID, kind: Walk.Kind) -> Walk | None:
    """Return the newest walk of a kind."""
    return Walk.objects.filter(project=project_id, kind=kind).order_by("-id").first()


def progress_of(walk: Walk, *, now: datetime) -> Progress:
    """Return how far a walk has come."""
    done = sum(WalkPart.objects.filter(walk=walk).values_list("done", flat=True))
    seconds = ((walk.finished_at or now) - walk.started_at).total_seconds()
    return Progress(done=done, total=max(walk.total, done), seconds=seconds)
