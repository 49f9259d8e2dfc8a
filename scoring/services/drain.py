"""Score what is pending: a batch of leads in one transaction, until nothing is left.

A batch reads, folds and writes set-wise, so its number of statements does not depend on its size. An event that
cannot be scored is tried again later and parked after that, while its lead and the rest of the batch go on.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError

from ingest import database
from ingest import selectors as ingested
from ingest.selectors import LogRow
from ingest.services import pending
from ingest.services.identities import hold_homes
from scoring import selectors
from scoring.core import engine
from scoring.core.timeline import Timeline
from scoring.log import logs_of
from scoring.services import bursts, dead_letters, long_refolds, projection, refolds
from scoring.services.outcomes import Before, outcome_of
from scoring.services.projection import Failure, Projection
from scoring.services.refolds import Mark
from scoring.signals import LeadOutcome, scored
from scoring.timelines import timelines_of

MAX_EVENTS = 4_000
MAX_LEADS = 500
LEAD_SHARE = 1_000  # events of one lead in a batch, while it has more: the others must not wait for all of them
MAX_REFOLDED = 20_000  # events of the logs that are folded again in a batch; those of other leads wait for the next

logger = structlog.get_logger(__name__)


class _Claim(NamedTuple):
    """A pending event of this batch."""

    lead_id: UUID
    attempts: int
    quiet: bool


class _Work(NamedTuple):
    """What is to be folded of a lead."""

    timeline: Timeline
    project_id: UUID
    rows: Sequence[LogRow]


_Batch = dict[UUID, _Work]
_Done = tuple[Projection, Before]
_Fold = Callable[[_Batch, datetime], Iterator[_Done]]


def drain(slots: Collection[int], *, now: datetime) -> int:
    """Score one batch of the pending events of these slots; return how many were taken off the list or postponed.

    Zero means that nothing was due, and no less than `MAX_LEADS` where there is more to do. Events that the batch could
    not get past one by one are set aside too, so that calling it until it returns zero always ends. After the batch one
    lead whose long log is being folded again has its turn.
    """
    scored = _drain_batch(slots, now=now)
    return max(scored, MAX_LEADS) if long_refolds.go_on(slots, now=now) else scored


def _drain_batch(slots: Collection[int], *, now: datetime) -> int:
    try:
        return database.unit_of_work(lambda: _score_claims(_claims(slots, now=now), _fold, now=now))
    except (OperationalError, InterfaceError):
        raise  # the database is away or overloaded: nothing was written, and the sweep tries again
    except Exception:
        logger.exception("batch_not_scored", slots=len(slots))
        return _score_leads_alone(slots, now=now)


def _claims(slots: Collection[int], *, now: datetime) -> dict[UUID, _Claim]:
    """Return what is due of the leads that have waited longest: all of a lead's events, so that it is folded once.

    Of a lead that has very many of them it is a share, and others are looked for behind them.
    """
    without = list(ingested.members_of_leads(refolding)) if (refolding := selectors.leads_refolding(slots)) else []
    leads = ingested.leads_waiting(slots, now=now, limit=MAX_EVENTS, without=without)
    if not leads:
        return {}
    rows: list[tuple[UUID, UUID, int, bool]] = []
    if crowd := [lead_id for lead_id, events in leads.items() if events > LEAD_SHARE]:  # three at most
        for lead_id in crowd:
            rows += ingested.pending_of([lead_id], now=now, limit=LEAD_SHARE)
        leads = ingested.leads_waiting(slots, now=now, limit=MAX_EVENTS - len(rows), without=[*without, *crowd])
    if leads:
        rows += ingested.pending_of(list(leads)[:MAX_LEADS], now=now, limit=MAX_EVENTS - len(rows))
    return {key: _Claim(lead_id=lead_id, attempts=attempts, quiet=quiet) for key, lead_id, attempts, quiet in rows}


def _score_claims(claims: Mapping[UUID, _Claim], fold: _Fold, *, now: datetime) -> int:
    """Score quiet events, of which nobody who acts on scores is told, and then the others, from where those led."""
    if not claims:
        return 0
    claimed = len(claims)
    homes = hold_homes({claim.lead_id for claim in claims.values()})
    # Whose lead is gone was erased since the list was read, and so were these events.
    claims = {
        key: claim._replace(lead_id=homes[claim.lead_id].lead_id)
        for key, claim in claims.items()
        if claim.lead_id in homes
    }
    quiet = {key: claim for key, claim in claims.items() if claim.quiet}
    _, all_quiet = _score_batch(quiet, homes, fold, now=now)
    outcomes, all_others = _score_batch(
        {key: claims[key] for key in claims.keys() - quiet.keys()} if quiet else claims, homes, fold, now=now
    )
    if outcomes:
        scored.send(sender=None, outcomes=outcomes)
    return claimed if all_quiet and all_others else max(claimed, MAX_LEADS)


def _score_batch(
    claims: Mapping[UUID, _Claim], homes: Mapping[UUID, ingested.Home], fold: _Fold, *, now: datetime
) -> tuple[list[LeadOutcome], bool]:
    """Return what happened to the leads, and whether all of them were folded: some may have to wait for a turn."""
    if not claims:
        return [], True
    batch: dict[UUID, list[LogRow]] = defaultdict(list)
    for row in ingested.log_of_pending(list(claims)):
        batch[homes[row[2]].lead_id].append(row)
    for lead_id in selectors.refolding_among(batch):  # a worker has begun since the claims were read
        del batch[lead_id]
    projects = {home.lead_id: home.project_id for home in homes.values()}
    batch = bursts.set_aside(batch, projects, now=now)
    timelines = timelines_of({projects[lead_id] for lead_id in batch})
    works = {lead_id: _Work(timelines[projects[lead_id]], projects[lead_id], rows) for lead_id, rows in batch.items()}
    marks = refolds.marks_of(works)
    folded = list(fold({lead_id: work for lead_id, work in works.items() if lead_id not in marks}, now))
    folded += _refold({lead_id: works[lead_id] for lead_id in marks}, marks, now=now)
    projections = [done for done, _ in folded]
    projection.write(projections)
    refolds.done([done.lead_id for done in projections if done.lead_id in marks])
    failures = {key: failure for done in projections for key, failure in done.failures.items()}
    settled = [row[0] for done in projections for row in batch[done.lead_id] if row[0] not in failures]
    pending.settle(settled)
    dead_letters.set_aside(failures, {key: (claim.lead_id, claim.attempts) for key, claim in claims.items()}, now=now)
    outcomes = [outcome_of(done, before, batch[done.lead_id]) for done, before in folded]
    return outcomes, len(folded) == len(works)


def _fold(batch: _Batch, now: datetime) -> Iterator[_Done]:
    """Fold each lead onwards where its events come last, and from the log where one comes late or the rules moved.

    Yields each projection with where the lead stood before. Leads that have to wait for a turn are left out.
    """
    standings = selectors.standings_of(batch)
    late: dict[UUID, Before] = {}
    unreadable: _Batch = {}
    for lead_id, work in batch.items():
        standing = standings.get(lead_id)
        state = (
            engine.initial_state(work.timeline)
            if standing is None
            else projection.stored_state(lead_id, work.timeline, standing.state)
        )
        if state is None:
            unreadable[lead_id] = work
            continue
        before = Before.of(work.timeline, state)
        first = min((row[5], row[1]) for row in work.rows)
        if engine.fits(work.timeline, state) and (before.place is None or first > before.place):
            last_event_at = None if standing is None else standing.last_event_at
            done = projection.extend(
                work.project_id, lead_id, work.timeline, state, work.rows, last_event_at=last_event_at, now=now
            )
            yield done, before
        else:
            late[lead_id] = before
    yield from _rebuild({lead_id: batch[lead_id] for lead_id in late}, late, now=now)
    yield from _fold_from_log(unreadable, now)


def _fold_from_log(batch: _Batch, now: datetime) -> Iterator[_Done]:
    """Fold leads from the log, which is the truth whatever else is stored."""
    stages = selectors.stages_of(batch) if batch else {}
    before = {}
    for lead_id, work in batch.items():
        primary = work.timeline.latest.primary.name
        stage = stages.get((lead_id, primary)) or engine.initial_state(work.timeline).cards[primary].stage
        before[lead_id] = Before.scored(stage, now=now)
    yield from _rebuild(batch, before, now=now)


def _rebuild(batch: _Batch, before: Mapping[UUID, Before], *, now: datetime) -> Iterator[_Done]:
    """Fold leads from the log, as many as a batch should hold; a long log is folded in turns of its own."""
    if not batch:
        return
    leads = {lead_id: (work.project_id, before[lead_id]) for lead_id, work in batch.items()}
    short = long_refolds.begin_where_long(leads, now=now)
    chosen = [
        lead_id for lead_id, events in zip(short, accumulate(short.values()), strict=True) if events <= MAX_REFOLDED
    ]
    keys = [row[0] for lead_id in chosen for row in batch[lead_id].rows]
    logs = logs_of(chosen, with_pending=keys)
    for lead_id in chosen:
        work = batch[lead_id]
        yield projection.rebuild(work.project_id, lead_id, work.timeline, logs[lead_id], now=now), before[lead_id]


def _refold(batch: _Batch, marks: Mapping[UUID, Mark], *, now: datetime) -> Iterator[_Done]:
    """Fold leads whose logs have changed otherwise than by new events.

    A long log is folded in turns of its own. Where the change is no reason to act, a lead stood before this batch where
    the rest of its log leads; else where it stood last. Of leads that became one, the highest stage counts: what fired
    for it does not fire again.
    """
    if not batch:
        return
    stages = selectors.stages_of(batch)
    leads: dict[UUID, tuple[UUID, Before | None]] = {
        lead_id: (work.project_id, None) for lead_id, work in batch.items()
    }
    short = long_refolds.begin_where_long(leads, now=now)
    logs = logs_of(short, with_pending=[row[0] for lead_id in short for row in batch[lead_id].rows])
    for lead_id in short:
        work = batch[lead_id]
        table = work.timeline.latest.primary.stages
        mark = marks[lead_id]
        stage = stages.get((lead_id, work.timeline.latest.primary.name))
        if mark.quiet or stage is None:
            new = {row[0] for row in work.rows}
            rest = [row for row in logs[lead_id] if row[0] not in new]
            known = projection.rebuild(work.project_id, lead_id, work.timeline, rest, now=now)
            stage = known.state.cards[work.timeline.latest.primary.name].stage
        done = projection.rebuild(work.project_id, lead_id, work.timeline, logs[lead_id], now=now)
        yield done, Before.scored(mark.highest(stage, table), now=now)


def _score_leads_alone(slots: Collection[int], *, now: datetime) -> int:
    """Score the leads of a batch one by one and from the log, because one of them keeps the others from it."""
    claims = _claims(slots, now=now)
    by_lead: dict[UUID, dict[UUID, _Claim]] = defaultdict(dict)
    for key, claim in claims.items():
        by_lead[claim.lead_id][key] = claim
    for lead_id, own in by_lead.items():
        try:
            database.unit_of_work(partial(_score_claims, own, _fold_from_log, now=now))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("lead_not_scored", lead=str(lead_id))
            database.unit_of_work(partial(_set_lead_aside, lead_id, own, Failure.of(error), now=now))
    return len(claims)


def _set_lead_aside(lead_id: UUID, claims: Mapping[UUID, _Claim], failure: Failure, *, now: datetime) -> None:
    homes = hold_homes([lead_id])
    if lead_id not in homes:  # erased meanwhile
        return
    claims = {key: claim._replace(lead_id=homes[lead_id].lead_id) for key, claim in claims.items()}
    # Only what is still pending: another worker may have got past what failed here.
    failures = {row[0]: failure for row in ingested.log_of_pending(list(claims))}
    dead_letters.set_aside(failures, {key: (lead_id, claim.attempts) for key, claim in claims.items()}, now=now)
