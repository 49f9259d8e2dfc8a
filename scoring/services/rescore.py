"""Rebuild every projection from the log with the rules in force.

It works through the leads in small transactions, each of which leaves its leads right, so it may be killed, repeated,
and run while events arrive. It fires nothing: rebuilding the past is no reason to act.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from ingest import database
from ingest.models import Lead
from scoring.log import countable_log
from scoring.models import LeadScore
from scoring.services import dead_letters, projection
from scoring.timelines import timeline_of

CHUNK = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A lead whose score or stage on the primary scorecard a rescore has changed."""

    lead_id: UUID
    old_score: Decimal
    new_score: Decimal
    old_stage: str
    new_stage: str


def chunks_of_leads(project_id: UUID, *, after: UUID | None = None) -> Iterator[list[UUID]]:
    """Yield the ids of a project's leads in order, a chunk at a time, from after a given id on."""
    while True:
        leads = Lead.objects.filter(project=project_id).order_by("pk")
        if after is not None:
            leads = leads.filter(pk__gt=after)
        chunk = list(leads.values_list("pk", flat=True)[:CHUNK])
        if not chunk:
            return
        yield chunk
        after = chunk[-1]


def rescore_leads(project_id: UUID, lead_ids: Sequence[UUID], *, now: datetime) -> list[Moved]:
    """Rebuild these leads of a project from the log, in one unit of work; return those that moved.

    Events that are still pending are left to the lead queues, so that what they set off is not lost.
    """
    return database.unit_of_work(lambda: _rebuild(project_id, lead_ids, write=True, now=now))


def preview_leads(project_id: UUID, lead_ids: Sequence[UUID], *, now: datetime) -> list[Moved]:
    """Return what `rescore_leads` would change, without changing it."""
    return _rebuild(project_id, lead_ids, write=False, now=now)


def _rebuild(project_id: UUID, lead_ids: Sequence[UUID], *, write: bool, now: datetime) -> list[Moved]:
    if write:
        database.lock_rows(Lead, lead_ids)
    timeline = timeline_of(project_id)
    primary = timeline.latest.primary.name
    before = {
        lead_id: (score, stage)
        for lead_id, score, stage in LeadScore.objects.filter(lead__in=lead_ids, scorecard=primary).values_list(
            "lead", "score", "stage"
        )
    }
    logs = defaultdict(list)
    for row in countable_log(lead_ids):
        logs[row[2]].append(row)
    projections = [projection.rebuild(project_id, lead_id, timeline, logs[lead_id], now=now) for lead_id in lead_ids]
    if write:
        projection.write(projections)
        failures = {key: failure for done in projections for key, failure in done.failures.items()}
        dead_letters.park(failures, now=now)
    moved = []
    for done in projections:
        card = done.state.cards[primary]
        old_score, old_stage = before.get(done.lead_id, (card.score, card.stage))
        if (old_score, old_stage) != (card.score, card.stage):
            moved.append(
                Moved(
                    lead_id=done.lead_id,
                    old_score=old_score,
                    new_score=card.score,
                    old_stage=old_stage,
                    new_stage=card.stage,
                )
            )
    return moved
