"""Fold leads with long logs again, part by part, so that the other leads of their queue have their turns between.

What is done stands in the database after every part, so a refold may be killed and goes on where it stopped. The scores
change when the last part is written, and only then are crossings told.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import F

from ingest import database
from ingest import selectors as ingested
from ingest.models import Lead
from ingest.selectors import LogRow
from ingest.services import pending
from ingest.slots import slot_of
from scoring import selectors
from scoring.core import engine
from scoring.core.entry import Entry, Kind
from scoring.core.timeline import Timeline
from scoring.log import log_from
from scoring.models import LeadScore, LongRefold, ScoreEntry
from scoring.services import bursts, dead_letters, projection, refolds
from scoring.services.outcomes import Before, crossings_of
from scoring.services.projection import Projection
from scoring.signals import LeadOutcome, ScoredEvent, scored
from scoring.timelines import timelines_of

LONG_LOG = 5_000  # events: folding them again takes about as long as a full batch
PART = 2_000  # events at a time
MOST_CROSSINGS = 1_000
RETRY_DELAY = timedelta(minutes=5)
_FIELDS = (
    "lead", "project", "slot", "due_at", "before", "state", "folded_to", "last_event_at", "newest", "quiet",
)  # fmt: skip

logger = structlog.get_logger(__name__)


def begin_where_long(leads: Mapping[UUID, tuple[UUID, Before | None]], *, now: datetime) -> dict[UUID, int]:
    """Note that those of these leads whose logs are long are to be folded again, as a part of a unit of work.

    Returns the others, `{lead: events in its log}`. Leads are given as `{lead: (project, where it stands)}`; where none
    is given, its stored stage is looked up. Those that are being folded again already go on.
    """
    sizes = ingested.log_sizes(leads)
    rows: list[tuple[object, ...]] = [
        (lead_id, project_id, slot_of(lead_id), now, before and _written(before), None, None, None, None, False)
        for lead_id, (project_id, before) in leads.items()
        if sizes[lead_id] > LONG_LOG
    ]
    database.insert_missing_rows(LongRefold, _FIELDS, rows, unique=("lead",))
    return {lead_id: sizes[lead_id] for lead_id in leads if sizes[lead_id] <= LONG_LOG}


def go_on(slots: Collection[int], *, now: datetime) -> bool:
    """Fold one more part of the lead of these slots whose last turn is longest ago; return whether there was one.

    A lead that cannot be folded has its next turn after a while, so that calling it until nothing is left always ends.
    """
    turns = LongRefold.objects.filter(slot__in=slots, due_at__lte=now).order_by("due_at")
    lead_id = turns.values_list("lead", flat=True).first()
    if lead_id is None:
        return False
    try:
        database.unit_of_work(partial(_fold_part, lead_id, now=now))
    except (OperationalError, InterfaceError):
        raise  # the database is away or overloaded: nothing was written, and the sweep tries again
    except Exception:
        logger.exception("lead_not_refolded", lead=str(lead_id))
        LongRefold.objects.filter(pk=lead_id).update(due_at=now + RETRY_DELAY)
    return True


def _fold_part(lead_id: UUID, *, now: datetime) -> None:
    database.lock_rows(Lead, [lead_id])
    turn = LongRefold.objects.filter(pk=lead_id).first()
    if turn is None:  # another worker has folded the last part
        return
    timeline = timelines_of([turn.project_id])[turn.project_id]
    _heed_mark(turn, timeline, now=now)
    state = None if turn.state is None else projection.stored_state(lead_id, timeline, turn.state)
    if state is None or not engine.fits(timeline, state):  # it begins, or the rules have changed meanwhile
        state, turn.folded_to, turn.last_event_at = engine.initial_state(timeline), None, None
    rows, is_last = log_from(ingested.members_of(lead_id), after=turn.folded_to, limit=PART, now=now)
    if _bursts_set_aside(turn, rows, now=now):
        return
    done = projection.extend(
        turn.project_id,
        lead_id,
        timeline,
        state,
        rows,
        last_event_at=turn.last_event_at,
        now=now if is_last else None,
    )
    projection.replace_part(done)
    fresh = _settle(turn, done, rows, now=now)
    if fresh:
        turn.newest = _newest(turn, fresh)
    if is_last:
        projection.conclude(done)
        LongRefold.objects.filter(pk=lead_id).delete()
    else:
        turn.due_at, turn.state, turn.last_event_at = now, engine.dump_state(done.state), done.last_event_at
        turn.folded_to = max(row[5] for row in rows)
        turn.save()
    if fresh or is_last:
        scored.send(sender=None, outcomes=[_outcome(turn, done, fresh, is_last=is_last)])


def _heed_mark(turn: LongRefold, timeline: Timeline, *, now: datetime) -> None:
    """Begin anew when the log has changed otherwise than by new events, and note where the lead stood before that.

    What fired for the stage of a lead that was merged into it does not fire again. If the change is no reason to act,
    the whole refold is none.
    """
    mark = refolds.marks_of([turn.lead_id]).get(turn.lead_id)
    if mark is None and turn.before is not None:
        return
    primary = timeline.latest.primary
    if turn.before is None:
        stage = selectors.stages_of([turn.lead_id]).get((turn.lead_id, primary.name))
        start = engine.initial_state(timeline).cards[primary.name].stage
        turn.before = _written(Before.scored(stage or start, now=now))
    if mark is not None:
        turn.before["stage"] = mark.highest(turn.before["stage"], primary.stages)
        turn.quiet = turn.quiet or mark.quiet
        turn.state = None
        refolds.done([turn.lead_id])


def _bursts_set_aside(turn: LongRefold, rows: Sequence[LogRow], *, now: datetime) -> bool:
    """Take the clicks of mail gateways out; return whether there were any, so that the part must be read again."""
    due = ingested.due_among([row[0] for row in rows], now=now)
    batch = {turn.lead_id: [row for row in rows if row[0] in due]}
    if not batch[turn.lead_id]:
        return False
    left = bursts.set_aside(batch, {turn.lead_id: turn.project_id}, now=now)
    return len(left.get(turn.lead_id, ())) < len(batch[turn.lead_id])


def _settle(turn: LongRefold, done: Projection, rows: Sequence[LogRow], *, now: datetime) -> list[ScoredEvent]:
    """Take the events that were pending off the list; return them in event order, but for those that failed.

    Quiet ones are not returned, and as they may have moved the lead, its crossings are not told either.
    """
    due = ingested.due_among([row[0] for row in rows], now=now)
    pending.settle(due.keys() - done.failures.keys())
    turn.quiet = turn.quiet or any(quiet for _, quiet in due.values())
    dead_letters.set_aside(done.failures, {key: (done.lead_id, tried) for key, (tried, _) in due.items()}, now=now)
    return [
        ScoredEvent(key=row[0], event_type=row[4], occurred_at=row[5])
        for row in sorted(rows, key=lambda row: (row[5], row[1]))
        if row[0] in due and not due[row[0]][1] and row[0] not in done.failures
    ]


def _outcome(turn: LongRefold, done: Projection, fresh: Sequence[ScoredEvent], *, is_last: bool) -> LeadOutcome:
    """Return what a part tells: its events, and with the last one what the whole refold has changed."""
    told = LeadOutcome(
        project_id=done.project_id,
        lead_id=done.lead_id,
        score=done.primary.score,
        stage=done.primary.stage,
        events=tuple(fresh),
        crossings=(),
    )
    if not is_last:
        return replace(told, **_as_yet(done))
    newest = [] if turn.newest is None else [_event_read(turn.newest)]
    events = {event.key: event for event in [*fresh, *newest]}
    before = _read(turn.before) if turn.before and not turn.quiet else None
    if before is None or done.primary.stage == before.stage:
        return told
    return replace(told, crossings=crossings_of(replace(done, entries=_crossing_entries(done)), before, events))


def _as_yet(done: Projection) -> dict[str, Any]:
    """Return the score and the stage that the lead still has."""
    rows = LeadScore.objects.filter(lead=done.lead_id, scorecard=done.primary.name)
    start = engine.initial_state(done.timeline).cards[done.primary.name]
    score, stage = rows.values_list("score", "stage").first() or (start.score, start.stage)
    return {"score": score, "stage": stage}


def _crossing_entries(done: Projection) -> list[Entry]:
    """Return the last entries of the stored primary ledger that lead from stage to stage, else the very last one."""
    ledger = ScoreEntry.objects.filter(lead=done.lead_id, scorecard=done.primary.name).order_by("-sequence")
    rows = list(ledger.exclude(old_stage=F("new_stage"))[:MOST_CROSSINGS]) or list(ledger[:1])
    return [
        Entry(
            scorecard=row.scorecard,
            sequence=row.sequence,
            kind=cast("Kind", row.kind),
            event_key=row.event_id,
            event_id=row.client_event_id,
            event_type=row.event_type,
            occurred_at=row.occurred_at,
            delta=row.delta,
            old_score=row.old_score,
            new_score=row.new_score,
            old_stage=row.old_stage,
            new_stage=row.new_stage,
            rules=(),
            ruleset_version=row.ruleset_version,
        )
        for row in reversed(rows)
    ]


def _newest(turn: LongRefold, fresh: Sequence[ScoredEvent]) -> list[str]:
    """Return the newest pending event so far as it is stored; parts come in order, unless it all began anew."""
    newest = fresh[-1]
    if turn.newest is not None and _event_read(turn.newest).occurred_at > newest.occurred_at:
        return cast("list[str]", turn.newest)
    return [str(newest.key), newest.event_type, newest.occurred_at.isoformat()]


def _event_read(stored: Sequence[str]) -> ScoredEvent:
    key, event_type, occurred_at = stored
    return ScoredEvent(key=UUID(key), event_type=event_type, occurred_at=datetime.fromisoformat(occurred_at))


def _written(before: Before) -> dict[str, Any]:
    place = before.place and [before.place[0].isoformat(), before.place[1]]
    return {"stage": before.stage, "place": place}


def _read(stored: Mapping[str, Any]) -> Before:
    place = stored["place"] and (datetime.fromisoformat(stored["place"][0]), stored["place"][1])
    return Before(stage=stored["stage"], place=place)
