"""The visits of a lead with the points that they earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from ingest import visits
from ingest.models import Lead
from ingest.pages import Page
from ingest.selectors import members_of
from ingest.visits import VisitView
from scoring.models import ScoreEntry
from scoring.selectors import primary_scorecard


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningVisit:
    """A visit, and what its events added to the primary score."""

    visit: VisitView
    points: Decimal


def visits_page(lead: Lead, *, cursor: str | None, limit: int) -> Page[EarningVisit]:
    """Return visits of a lead, the one that ended last first; raise `CursorInvalid`."""
    page = visits.visits_page(members_of(lead.pk), cursor=cursor, limit=limit)
    points = _points_of(lead, page.rows)
    return page.map(
        lambda visit: EarningVisit(
            visit=visit, points=sum((points.get(key, Decimal(0)) for key in visit.event_keys), Decimal(0))
        )
    )


def _points_of(lead: Lead, rows: Sequence[VisitView]) -> dict[UUID, Decimal]:
    if not rows:
        return {}
    entries = ScoreEntry.objects.filter(
        lead=lead,
        scorecard=primary_scorecard(lead.project_id).name,
        event__in=[key for visit in rows for key in visit.event_keys],
        occurred_at__gte=min(visit.began_at for visit in rows),
        occurred_at__lte=max(visit.ended_at for visit in rows),
    )
    found = entries.order_by().values_list("event").annotate(points=Sum("delta"))
    return {key: points for key, points in found if key is not None}
