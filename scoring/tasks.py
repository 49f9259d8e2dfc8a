"""The tasks of scoring: thin, and safe to lose, to double and to delay."""

import time
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone

from ingest import selectors as log
from scoring import routing, selectors, wake
from scoring.services import drain as draining
from scoring.services import fading, prediction, walks

DRAIN_SECONDS = 2.0
# A queue is drained at most once in this time, so that its events gather: one batch of fifty costs little more than one
# of one, and the database is free for those who store events meanwhile. A busy worker never waits: its other queues
# take longer than that.
GATHER_SECONDS = 0.05
WALK_SECONDS = 0.5  # new events of the same leads wait that long at most
SWEEP_AFTER = timedelta(seconds=5)

_drained_at: dict[str, float] = {}  # by this process, in monotonic seconds


@shared_task(ignore_result=True, time_limit=600)
def drain(queue: str) -> None:
    """Score what is pending on a lead queue, and let fade what is due; after two seconds let others have their turn.

    Both here, in the queue's one consumer, so that a lead is never folded twice at once. What arrives meanwhile has
    woken the queue anew, so a batch that is not full is the last one.
    """
    time.sleep(max(0.0, _drained_at.get(queue, 0.0) + GATHER_SECONDS - time.monotonic()))
    wake.lower_flag(queue)
    _drained_at[queue] = time.monotonic()
    slots = routing.slots_of(queue)
    deadline = time.monotonic() + DRAIN_SECONDS
    while slots and (scored := draining.drain(slots, now=timezone.now())):
        if time.monotonic() > deadline:
            wake.wake(drain, [queue])
            return
        if scored < draining.MAX_LEADS:
            break
    while slots and fading.fade(slots, now=timezone.now()):
        if time.monotonic() > deadline:
            wake.wake(drain, [queue])
            return


@shared_task(ignore_result=True, time_limit=60)
def sweep() -> None:
    """Wake the queues whose events have waited for a while, and the walks that stand still: a task may be lost."""
    since = timezone.now() - SWEEP_AFTER
    waiting = log.slots_waiting(since=since) | selectors.slots_refolding(since=since)
    wake.wake_again(drain, routing.queues_of(waiting))
    walks.go_on(now=timezone.now())


@shared_task(ignore_result=True, time_limit=3600)
def walk(part_id: str, cursor: str | None) -> None:
    """Go on with a part of a rescore or a preview for a moment. If it is lost, the sweep sends another."""
    walks.walk_on(UUID(part_id), UUID(cursor) if cursor else None, seconds=WALK_SECONDS)


@shared_task(ignore_result=True, time_limit=60)
def wake_fading() -> None:
    """Wake the queues of leads whose points fade or expire by now."""
    wake.wake(drain, routing.queues_of(selectors.slots_fading(now=timezone.now())))


@shared_task(ignore_result=True, time_limit=3_600)
def report_prediction(report_id: str) -> None:
    """Compute a requested report. If it is lost, asking for the report again sends it again."""
    prediction.write_report(UUID(report_id))


@worker_ready.connect
def sweep_at_start(**_: object) -> None:
    """Look for what a worker that was killed has left behind, without waiting for the next beat."""
    sweep.apply_async(queue="system", retry=False)
