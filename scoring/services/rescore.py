"""Rebuild projections from the log, or only count what that would change: a batch of leads at a time.

A batch is bounded by its events, so memory does not grow with the project. It leaves its leads right, so rescoring may
be killed, repeated, and run while events arrive. It fires nothing: rebuilding the past is no reason to act.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError

from ingest import database
from ingest.models import Lead
from ingest.selectors import homes_of, log_sizes
from ingest.slots import SLOTS, slot_of
from scoring.core import engine
from scoring.core.preview import Tally
from scoring.core.stages import stage_path
from scoring.core.timeline import Timeline
from scoring.log import logs_of
from scoring.models import LeadScore, LongRefold
from scoring.services import dead_letters, projection
from scoring.services.projection import Projection
from scoring.timelines import timeline_of

MAX_LEADS = 500
MAX_EVENTS = 10_000
PAGE = 2_000

logger = structlog.get_logger(__name__)


def batches(
    project_id: UUID, *, after: UUID | None = None, slots: Collection[int] | None = None
) -> Iterator[list[UUID]]:
    """Yield leads of a project (those of some slots) in the order of their ids, from after a given id on.

    A batch is no larger than a transaction should be; a lead with more events than that is alone.
    """
    wanted = None if slots is None or len(slots) == SLOTS else frozenset(slots)
    while True:
        leads = Lead.objects.filter(project=project_id, merged_into=None).order_by("pk")
        if after is not None:
            leads = leads.filter(pk__gt=after)
        page = list(leads.values_list("pk", flat=True)[:PAGE])
        if not page:
            return
        own = page if wanted is None else [lead_id for lead_id in page if slot_of(lead_id) in wanted]
        yield from _packed(own)
        after = page[-1]


def _packed(lead_ids: Sequence[UUID]) -> Iterator[list[UUID]]:
    sizes = log_sizes(lead_ids)
    batch: list[UUID] = []
    events = 0
    for lead_id in lead_ids:
        count = sizes[lead_id]
        if batch and (len(batch) == MAX_LEADS or events + count > MAX_EVENTS):
            yield batch
            batch, events = [], 0
        batch.append(lead_id)
        events += count
    if batch:
        yield batch


def rescore_leads(project_id: UUID, lead_ids: Sequence[UUID], *, now: datetime) -> Tally:
    """Rebuild these leads of a project from the log with the rules in force, in one unit of work; count what changed.

    A lead that cannot be rebuilt stays as it was, and is logged. Events that are still pending are left to the lead
    queues, so that what they set off is not lost.
    """
    try:
        return database.unit_of_work(lambda: _rebuild(project_id, lead_ids, now=now))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(lead_ids) == 1:
            logger.exception("lead_not_rescored", lead=str(lead_ids[0]), error=str(error))
            return Tally()
    tally = Tally()
    for lead_id in lead_ids:  # one of them keeps the others from it
        tally.merge(rescore_leads(project_id, [lead_id], now=now))
    return tally


def _rebuild(project_id: UUID, lead_ids: Sequence[UUID], *, now: datetime) -> Tally:
    database.lock_rows(Lead, lead_ids)
    lead_ids = standing_for_themselves(lead_ids)
    timeline = timeline_of(project_id)
    before = _before(lead_ids, timeline)
    projections = _fold(project_id, lead_ids, timeline, now=now)
    projection.write(projections)
    dead_letters.park({key: failure for done in projections for key, failure in done.failures.items()}, now=now)
    return _tally(projections, before)


def refold(project_id: UUID, lead_ids: Sequence[UUID], *, now: datetime) -> None:
    """Rebuild leads of which other events count than did, as a part of the caller's unit of work, which holds them.

    The ledger follows the log again in the same transaction, and nothing fires: the leads have done nothing.
    """
    if not lead_ids:
        return
    projections = _fold(project_id, lead_ids, timeline_of(project_id), now=now)
    projection.write(projections)
    # Where one is being folded in parts, what the parts that are done have counted is not true any longer.
    LongRefold.objects.filter(lead__in=lead_ids).update(state=None)
    dead_letters.park({key: failure for done in projections for key, failure in done.failures.items()}, now=now)


def preview_leads(
    project_id: UUID, lead_ids: Sequence[UUID], timeline: Timeline | None = None, *, now: datetime
) -> Tally:
    """Count what rebuilding these leads of a project would change (perhaps with other rules), and change nothing."""

    def work() -> Tally:
        database.lock_rows(Lead, lead_ids)  # also to look: what is compared must be of one moment
        leads = standing_for_themselves(lead_ids)
        in_force = timeline_of(project_id)
        folded = _fold(project_id, leads, timeline or in_force, now=now)
        return _tally(folded, _before(leads, in_force))

    return database.unit_of_work(work)


def standing_for_themselves(lead_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of these leads that have not been merged into another since somebody listed them."""
    homes = homes_of(lead_ids)
    return [lead_id for lead_id in lead_ids if lead_id in homes and homes[lead_id].lead_id == lead_id]


_Standing = tuple[Decimal, str]


def _before(lead_ids: Sequence[UUID], timeline: Timeline) -> Mapping[UUID, _Standing]:
    """Return where each lead stands on the scorecard that is the primary one in force."""
    primary = timeline.latest.primary.name
    start = engine.initial_state(timeline).cards[primary]
    scores = LeadScore.objects.filter(lead__in=lead_ids, scorecard=primary)
    stored = {lead_id: (score, stage) for lead_id, score, stage in scores.values_list("lead", "score", "stage")}
    return {lead_id: stored.get(lead_id, (start.score, start.stage)) for lead_id in lead_ids}


def _fold(project_id: UUID, lead_ids: Sequence[UUID], timeline: Timeline, *, now: datetime) -> list[Projection]:
    logs = logs_of(lead_ids)
    return [projection.rebuild(project_id, lead_id, timeline, logs[lead_id], now=now) for lead_id in lead_ids]


def _tally(projections: Sequence[Projection], before: Mapping[UUID, _Standing]) -> Tally:
    tally = Tally()
    for done in projections:
        primary = done.timeline.latest.primary.name
        card = done.state.cards[primary]
        old = before[done.lead_id]
        chain = [] if old[1] == card.stage else [entry for entry in done.entries if entry.scorecard == primary]
        tally.add(
            str(done.lead_id),
            old=old,
            new=(card.score, card.stage),
            events=done.folded,
            crossings=(
                (crossing.old, crossing.new, crossing.entry.delta > 0)
                for crossing in stage_path(old[1], chain, in_order=False, after=card.stage)
            ),
        )
    return tally
