"""The tasks of this app: forget webhooks and people that were kept long enough. Safe to lose, double and delay."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from ingest.services import retention, webhooks

RETENTION_SECONDS = 60.0


@shared_task(ignore_result=True, time_limit=600)
def forget_receipts() -> None:
    """Delete the receipts that are older than `WEBHOOK_DAYS`."""
    webhooks.forget_receipts(before=timezone.now() - timedelta(days=settings.WEBHOOK_DAYS))


@shared_task(ignore_result=True, time_limit=3_600)
def erase_idle_people() -> None:
    """Erase people who have been idle for as long as their project says; the next beat goes on where this stopped."""
    retention.erase_idle_people(now=timezone.now(), seconds=RETENTION_SECONDS)
