"""Let time do its work: visit the leads whose points fade or expire, and no others.

It folds a lead up to now with no event, which gives the entries at their exact times however late the visit is, and so
the same ledger as if the lead's next event had come just then. A visit that is lost is made by the next beat.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError

from ingest import database
from ingest import selectors as ingested
from ingest.models import Lead
from scoring import selectors
from scoring.core import engine
from scoring.core.timeline import Timeline
from scoring.log import logs_of
from scoring.models import LeadState
from scoring.services import dead_letters, long_refolds, projection, refolds
from scoring.services.outcomes import Before, outcome_of
from scoring.services.projection import Projection
from scoring.signals import scored
from scoring.timelines import timelines_of

MAX_LEADS = 500
MAX_ENTRIES = 20_000
RETRY_DELAY = timedelta(minutes=5)

logger = structlog.get_logger(__name__)


def fade(slots: Collection[int], *, now: datetime) -> int:
    """Bring a batch of the leads of these slots that are due up to now; return how many were looked at.

    Zero means that nobody was due. A lead that cannot be brought up is set aside for a while, so that calling it until
    it returns zero always ends.
    """
    due = selectors.leads_fading(slots, now=now, limit=MAX_LEADS)
    if not due:
        return 0
    try:
        return database.unit_of_work(lambda: _fade(due, now=now))
    except (OperationalError, InterfaceError):
        raise  # the database is away or overloaded: nothing was written, and the next beat tries again
    except Exception:
        logger.exception("batch_not_faded", leads=len(due))
        return _fade_alone(due, now=now)


def _fade(lead_ids: Sequence[UUID], *, now: datetime) -> int:
    database.lock_rows(Lead, lead_ids)
    # Or somebody else has been here since.
    elsewhere = selectors.refolding_among(lead_ids) | refolds.marks_of(lead_ids).keys()
    standings = {
        lead_id: standing
        for lead_id, standing in selectors.standings_of(lead_ids).items()
        if lead_id not in elsewhere and standing.next_change_at is not None and standing.next_change_at <= now
    }
    projects = {home.lead_id: home.project_id for home in ingested.homes_of(standings).values()}
    folded = _fold(standings, projects, timelines_of(set(projects.values())), now=now)
    projections = [done for done, _ in folded]
    projection.write(projections)
    dead_letters.park({key: failure for done in projections for key, failure in done.failures.items()}, now=now)
    scored.send(sender=None, outcomes=[outcome_of(done, before, ()) for done, before in folded])
    return len(lead_ids)


def _fold(
    standings: Mapping[UUID, selectors.Standing],
    projects: Mapping[UUID, UUID],
    timelines: Mapping[UUID, Timeline],
    *,
    now: datetime,
) -> list[tuple[Projection, Before]]:
    """Fold leads up to now, as many as one transaction should hold; those left out stay due."""
    folded: list[tuple[Projection, Before]] = []
    moved: dict[UUID, Before] = {}
    entries = 0
    for lead_id, standing in standings.items():
        project_id = projects[lead_id]
        timeline = timelines[project_id]
        state = projection.stored_state(lead_id, timeline, standing.state)
        if state is None:
            stage = selectors.stages_of([lead_id]).get((lead_id, timeline.latest.primary.name))
            start = engine.initial_state(timeline).cards[timeline.latest.primary.name].stage
            moved[lead_id] = Before.scored(stage or start, now=now)
            continue
        before = Before.of(timeline, state)
        if not engine.fits(timeline, state):
            moved[lead_id] = before
            continue
        done = projection.extend(
            project_id, lead_id, timeline, state, (), last_event_at=standing.last_event_at, now=now
        )
        folded.append((done, before))
        entries += len(done.entries)
        if entries > MAX_ENTRIES:
            break
    if moved:
        leads = {lead_id: (projects[lead_id], before) for lead_id, before in moved.items()}
        logs = logs_of(long_refolds.begin_where_long(leads, now=now))
        for lead_id, rows in logs.items():
            project_id = projects[lead_id]
            done = projection.rebuild(project_id, lead_id, timelines[project_id], rows, now=now)
            folded.append((done, moved[lead_id]))
    return folded


def _fade_alone(lead_ids: Sequence[UUID], *, now: datetime) -> int:
    """Bring leads up to now one by one, because one of them keeps the others from it."""
    for lead_id in lead_ids:
        try:
            database.unit_of_work(lambda lead_id=lead_id: _fade([lead_id], now=now))  # type: ignore[misc]
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("lead_not_faded", lead=str(lead_id))
            LeadState.objects.filter(pk=lead_id).update(next_change_at=now + RETRY_DELAY)
    return len(lead_ids)


def look_again(project_id: UUID, *, now: datetime) -> int:
    """Visit a project's leads anew, because the rules have changed what time does to them; return how many."""
    states = LeadState.objects.filter(project=project_id).exclude(next_change_at__lte=now)
    return states.update(next_change_at=now)
