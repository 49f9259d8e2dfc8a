"""Erase people of whom nothing has been heard for as long as their project says.

In portions, and for a while at a time; what is left is done the next time, from where this one stopped.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from ingest import selectors
from ingest.models import Erasure, Project
from ingest.services.erasures import erase

PORTION = 500
MOST_COUNTED = 20_000
BY = "the project's retention"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleCount:
    """How many of the leads looked at have been idle; `all_looked_at`: there were no more of them."""

    idle: int
    all_looked_at: bool


def erase_idle_people(*, now: datetime, seconds: float) -> int:
    """Erase who has been idle for too long, in all projects that ask for it, until the time is up; return how many."""
    ends = time.monotonic() + seconds
    erased = 0
    for project in Project.objects.filter(erase_after_idle_days__isnull=False).order_by("pk"):
        before = erased
        for portion in _portions(project, now=now):
            erased += portion
            if time.monotonic() > ends:
                break
        if erased > before:
            logger.info("idle_people_erased", project=str(project.pk), people=erased - before)
        if time.monotonic() > ends:
            break
    return erased


def _portions(project: Project, *, now: datetime) -> Iterator[int]:
    """Erase the idle of one portion of leads after the other, noting how far it came; yield how many each were."""
    since = _since(project.erase_after_idle_days or 0, now=now)
    cursor = project.retention_cursor
    while True:
        idle, cursor = selectors.idle_leads(project.pk, since=since, after=cursor, limit=PORTION)
        yield sum(_erase_if_idle(project.pk, lead_id, since=since, now=now) for lead_id in idle)
        Project.objects.filter(pk=project.pk).update(retention_cursor=cursor)
        if cursor is None:
            return


def _erase_if_idle(project_id: UUID, lead_id: UUID, *, since: datetime, now: datetime) -> bool:
    return erase(project_id, lead_id, cause=Erasure.Cause.RETENTION, by=BY, now=now, idle_since=since) is not None


def count_idle(project_id: UUID, days: int, *, now: datetime) -> IdleCount:
    """Return how many people would be erased after so many idle days, counting the oldest leads only."""
    since = _since(days, now=now)
    idle, cursor = 0, None
    for _ in range(MOST_COUNTED // PORTION):
        found, cursor = selectors.idle_leads(project_id, since=since, after=cursor, limit=PORTION)
        idle += len(found)
        if cursor is None:
            return IdleCount(idle=idle, all_looked_at=True)
    return IdleCount(idle=idle, all_looked_at=False)


def _since(days: int, *, now: datetime) -> datetime:
    return now - timedelta(days=days)
