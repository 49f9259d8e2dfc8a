"""The tasks of ingestion: thin, and safe to lose, to double and to delay."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from ingest.services import imports

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
