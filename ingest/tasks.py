"""The one task of this app: forget webhooks that were kept long enough. Safe to lose, to double and to delay."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from ingest.services import webhooks


@shared_task(ignore_result=True, time_limit=600)
def forget_receipts() -> None:
    """Delete the receipts that are older than `WEBHOOK_DAYS`."""
    webhooks.forget_receipts(before=timezone.now() - timedelta(days=settings.WEBHOOK_DAYS))
