"""The one task of this app: carry out what is due. Safe to lose, to double and to delay."""

from celery import shared_task

from automation.services import deliveries
from automation.wake import QUEUE, deliveries_awake

SECONDS = 10.0  # the worker has other chores; what is left wakes it again


# The queue is named by whoever sends it, the wake-up and the beat schedule: Celery deprecates it as an attribute.
# No retry, and acknowledged early: what was not delivered is still due, and the beat schedule asks again.
# The soft limit is what `SECONDS` promises plus the longest attempt.
@shared_task(
    name="automation.tasks.deliver_due",
    ignore_result=True,
    acks_late=False,
    max_retries=0,
    soft_time_limit=150,
    time_limit=180,
)
def deliver_due(queue: str = QUEUE) -> None:
    """Carry out what is due. Wake-ups name the queue; there is only one."""
    deliveries_awake()
    deliveries.deliver_due(seconds=SECONDS)
