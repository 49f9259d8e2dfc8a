"""The one task of this app: carry out what is due. Safe to lose, to double and to delay."""

from celery import shared_task

from automation.services import deliveries

SECONDS = 45.0


# No retry, and acknowledged early: what was not delivered is still due, and the beat schedule asks again.
# The soft limit is what `SECONDS` promises plus the longest attempt.
@shared_task(
    name="automation.tasks.deliver_due",
    queue="deliveries",
    ignore_result=True,
    acks_late=False,
    max_retries=0,
    soft_time_limit=150,
    time_limit=180,
)
def deliver_due() -> None:
    """Carry out what is due."""
    deliveries.deliver_due(seconds=SECONDS)
