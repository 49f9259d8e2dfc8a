"""The tasks of ingestion: thin, and safe to lose, to double and to delay."""

from celery import shared_task
from django.utils import timezone

from ingest.services import retention

RETENTION_SECONDS = 60.0


@shared_task(ignore_result=True, time_limit=3_600)
def erase_idle_people() -> None:
    """Erase people who have been idle for as long as their project says; the next beat goes on where this stopped."""
    retention.erase_idle_people(now=timezone.now(), seconds=RETENTION_SECONDS)
