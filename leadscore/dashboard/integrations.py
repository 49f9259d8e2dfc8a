"""The page that connects a project: what to paste into a site or a server, and whether anything has arrived yet."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from ingest import selectors as ingest
from ingest.core.keys import KeyKind
from ingest.models import Project
from leadscore.dashboard import queries
from leadscore.dashboard.access import Page, project_page
from leadscore.dashboard.downloads import may_export
from leadscore.dashboard.values import NewestEvent

ARRIVALS = 5
FRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key as people recognise it: never its token."""

    hint: str
    name: str
    kind: str
    active: bool
    events_per_minute: int | None
    allowed_origins: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """Another system that sends webhooks: where to, and when one came last that was signed rightly."""

    id: UUID
    name: str
    path: str
    active: bool
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The event received last; `seconds` ago while that is fresh."""

    event: NewestEvent
    seconds: int | None


@require_safe
@project_page
def integrations(page: Page) -> HttpResponse:
    """Show the snippet with the project's own write key, and what has arrived."""
    newest = queries.newest_activity(page.project, limit=ARRIVALS)
    return page.live(
        "_arrivals",
        "integrations",
        section="integrations",
        arrival=arrival_of(newest[0], now=timezone.now()) if newest else None,
        newest=newest,
        write_token=queries.write_token(page.project),
        keys=key_rows(page.project),
        may_export=may_export(page),
        sources=source_rows(page.project),
        address=page.request.build_absolute_uri("/").rstrip("/"),
    )


def arrival_of(event: NewestEvent, *, now: datetime) -> Arrival:
    """Return how fresh an event is."""
    age = max(now - event.received_at, timedelta())
    return Arrival(event=event, seconds=int(age.total_seconds()) if age < FRESH else None)


def key_rows(project: Project) -> tuple[KeyRow, ...]:
    """Return the project's keys, those in use first."""
    return tuple(
        KeyRow(
            hint=key.hint,
            name=key.name,
            kind=KeyKind(key.kind).label,
            active=key.active,
            events_per_minute=key.events_per_minute,
            allowed_origins=tuple(key.allowed_origins),
            created_at=key.created_at,
        )
        for key in ingest.keys_of(project.pk)
    )


def source_rows(project: Project) -> tuple[SourceRow, ...]:
    """Return the project's webhook sources by name."""
    return tuple(
        SourceRow(
            id=source.pk,
            name=source.name,
            path=reverse("api-webhooks", args=[source.public_id]).rstrip("/"),
            active=source.active,
            last_at=last_at,
        )
        for source, last_at in ingest.webhook_sources_of(project.pk)
    )
