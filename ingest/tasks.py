"""The tasks of ingestion: thin, and safe to lose, to double and to delay."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from ingest.services import imports, retention, rulings, webhooks

RULE_SECONDS = 1.0
IMPORT_SECONDS = 2.0
RETENTION_SECONDS = 60.0


@shared_task(ignore_result=True, time_limit=3600)
def rule(ruling_id: str, cursor: str | None) -> None:
    """Go on with excluding or including events for a moment. If it is lost, the beat sends another."""
    rulings.walk_on(UUID(ruling_id), UUID(cursor) if cursor else None, seconds=RULE_SECONDS)


@shared_task(ignore_result=True, time_limit=60)
def go_on_ruling() -> None:
    """Go on with the rulings that stand still: a task may be lost."""
    rulings.go_on(now=timezone.now())


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


@shared_task(ignore_result=True, time_limit=3_600)
def erase_idle_people() -> None:
    """Erase people who have been idle for as long as their project says; the next beat goes on where this stopped."""
    retention.erase_idle_people(now=timezone.now(), seconds=RETENTION_SECONDS)
