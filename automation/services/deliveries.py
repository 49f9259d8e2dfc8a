"""Carry out deliveries: claim one, attempt it, settle it; try again later or give up for good.

A claim moves `due_at` forward with a compare-and-set on the row's own columns, so two workers never attempt a
delivery at once. A worker that dies leaves a lease that runs out; the next attempt has the same id.
"""

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from automation import actions
from automation.core.backoff import MOST_ATTEMPTS, next_attempt_at
from automation.core.outcomes import Outcome, Verdict
from automation.errands import errand_of
from automation.models import Action, Delivery
from automation.wake import wake_deliveries
from ingest import database

LEASE = timedelta(minutes=2)  # longer than any attempt: 15 s of HTTP or 60 s of SMTP, and a slow resolver before it
PAUSE = timedelta(minutes=1)
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to attempt a delivery until `lease_ends`. `attempts` counts this one."""

    delivery_id: UUID
    action_id: UUID | None
    attempts: int
    lease_ends: datetime


def deliver_due(*, seconds: float) -> int:
    """Attempt what is due, oldest first, until nothing is or the time is up; return the number of attempts.

    When an endpoint cannot be reached, the other deliveries of that action are put off for a minute, so that a dead
    endpoint costs one time-out a minute, and not one per delivery.
    """
    ends = time.monotonic() + seconds
    attempted = 0
    while candidates := _due():
        for candidate in candidates:
            if time.monotonic() >= ends:
                wake_deliveries()
                return attempted
            if claim := _claim(candidate):
                _attempt(claim)
                attempted += 1
    return attempted


def replay(delivery_ids: Iterable[UUID]) -> int:
    """Make failed deliveries due again, with all attempts and their old idempotency keys; return how many."""
    replayed = Delivery.objects.filter(pk__in=list(delivery_ids), status=Delivery.Status.FAILED).update(
        status=Delivery.Status.PENDING,
        attempts=0,
        due_at=timezone.now(),
        detail="Replayed; waiting for its turn.",
    )
    if replayed:
        database.on_commit(wake_deliveries)
    return replayed


def _due() -> list[Delivery]:
    due = Delivery.objects.filter(status=Delivery.Status.PENDING, due_at__lte=timezone.now())
    return list(due.only("id", "action_id", "attempts", "due_at").order_by("due_at", "id")[:BATCH])


def _claim(delivery: Delivery) -> Claim | None:
    lease_ends = timezone.now() + LEASE
    # The attempt is counted before it is made: a delivery that kills its worker runs out of attempts too.
    claimed = Delivery.objects.filter(
        pk=delivery.pk, status=Delivery.Status.PENDING, due_at=delivery.due_at, attempts=delivery.attempts
    ).update(due_at=lease_ends, attempts=F("attempts") + 1)
    if not claimed:
        return None
    return Claim(
        delivery_id=delivery.pk,
        action_id=delivery.action_id,
        attempts=delivery.attempts + 1,
        lease_ends=lease_ends,
    )


def _attempt(claim: Claim) -> None:
    if claim.attempts > MOST_ATTEMPTS:
        # The last attempt was allowed and never settled: whoever made it died of it, or with it.
        outcome = Outcome(verdict=Verdict.FAILED, detail="Given up: the last attempt was begun but never ended.")
    else:
        errand = errand_of(claim.delivery_id)
        outcome = errand if isinstance(errand, Outcome) else actions.carry_out(errand)
    _settle(claim, outcome)
    if outcome.unreachable:
        _put_off(claim)


def _put_off(claim: Claim) -> None:
    now = timezone.now()
    Delivery.objects.filter(action=claim.action_id, status=Delivery.Status.PENDING, due_at__lte=now).update(
        due_at=now + PAUSE, detail="Put off: the same endpoint did not answer another delivery."
    )


def _settle(claim: Claim, outcome: Outcome) -> None:
    now = timezone.now()
    due_at: datetime | None = None
    if outcome.verdict is Verdict.RETRY:
        due_at = next_attempt_at(claim.attempts, now, random.random())  # noqa: S311  (spreads load, guards nothing)
    # Fenced by the lease: an attempt that outlived its lease does not overwrite what its successor found out.
    held = Delivery.objects.filter(
        pk=claim.delivery_id,
        status=Delivery.Status.PENDING,
        attempts=claim.attempts,
        due_at=claim.lease_ends,
    )
    if outcome.verdict is Verdict.DELIVERED:
        held.update(status=Delivery.Status.DELIVERED, due_at=None, delivered_at=now, detail=outcome.detail[:500])
    elif due_at is not None:
        held.update(due_at=due_at, detail=outcome.detail[:500])
    else:
        held.update(status=Delivery.Status.FAILED, due_at=None, detail=_final_words(claim, outcome)[:500])
    if outcome.verdict is Verdict.GONE and claim.action_id is not None:
        Action.objects.filter(pk=claim.action_id).update(active=False, disabled_because=outcome.detail[:200])


def _final_words(claim: Claim, outcome: Outcome) -> str:
    if outcome.verdict is Verdict.RETRY:
        return f"Given up after {claim.attempts} attempts. {outcome.detail}"
    return outcome.detail
