"""Park events whose scoring keeps failing; retry or discard them when somebody says so."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from ingest import database
from ingest.models import Event, PendingEvent
from ingest.services import pending
from scoring.models import DeadLetter
from scoring.services.projection import Failure

RETRY_DELAYS = (timedelta(seconds=5), timedelta(seconds=30))
_FIELDS = ("event", "project", "lead", "error", "traceback", "parked_at", "discarded", "quiet")


def park(failures: Mapping[UUID, Failure], *, now: datetime) -> None:
    """Move these events from the list of pending ones to the dead letters, as a part of the caller's unit of work."""
    if not failures:
        return
    events = Event.objects.filter(pk__in=failures).values_list("pk", "project", "lead")
    quiet = set(PendingEvent.objects.filter(pk__in=failures, quiet=True).values_list("pk", flat=True))
    database.upsert_rows(
        DeadLetter,
        _FIELDS,
        [
            (key, project_id, lead_id, failures[key].error, failures[key].traceback, now, False, key in quiet)
            for key, project_id, lead_id in events
        ],
        unique=("event",),
        update=("error", "traceback", "parked_at", "discarded"),
    )
    pending.settle(failures)


def set_aside(failures: Mapping[UUID, Failure], waiting: Mapping[UUID, tuple[UUID, int]], *, now: datetime) -> None:
    """Postpone events that could not be scored, and park those that were postponed often enough.

    `waiting` are those that are pending, `{event: (lead, attempts so far)}`. Another that cannot be scored had been
    scored before and cannot be any longer (the rules have changed): it is parked at once.
    """
    again: dict[int, dict[UUID, tuple[UUID, int]]] = defaultdict(dict)
    parked: dict[UUID, Failure] = {}
    for key, failure in failures.items():
        lead_id, attempts = waiting.get(key, (None, 0))
        if lead_id is not None and attempts < len(RETRY_DELAYS):
            again[attempts][key] = (lead_id, attempts + 1)
        else:
            parked[key] = failure
    for attempts, postponed in again.items():
        pending.postpone(postponed, until=now + RETRY_DELAYS[attempts])
    park(parked, now=now)


def retry(keys: Collection[UUID], *, now: datetime) -> int:
    """Put parked events back on the list of pending ones; return how many."""

    def work() -> int:
        letters = list(DeadLetter.objects.filter(pk__in=keys).values_list("pk", "lead", "quiet"))
        DeadLetter.objects.filter(pk__in=[key for key, _, _ in letters]).delete()
        pending.reopen(letters, now=now)
        return len(letters)

    return database.unit_of_work(work)


def discard(keys: Collection[UUID]) -> int:
    """Decide that parked events never count; they stay in the log. Return how many."""
    return DeadLetter.objects.filter(pk__in=keys, discarded=False).update(discarded=True)
