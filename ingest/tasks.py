"""The tasks of ingestion: thin, and safe to lose, to double and to delay."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from ingest.services import imports, webhooks

IMPORT_SECONDS = 2.0


@shared_task(ignore_result=True, time_limit=3600)
def work_on_import(import_id: str, position: int) -> None:
    """Go on with an import for a moment. If it is lost, the sweep sends another."""
    imports.work_on(UUID(import_id), position, seconds=IMPORT_SECONDS)


@shared_task(ignore_result=True, time_limit=300)
def go_on_with_imports() -> None:
    """Go on with the imports that stand still, and delete what has been kept for long enough."""
    now = timezone.now()
    imports.go_on(now=now)
    imports.tidy_up(now=now)


@shared_task(ignore_result=True, time_limit=600)
def forget_receipts() -> None:
    """Delete the receipts of webhooks that are older than `WEBHOOK_DAYS`."""
    webhooks.forget_receipts(before=timezone.now() - timedelta(days=settings.WEBHOOK_DAYS))
