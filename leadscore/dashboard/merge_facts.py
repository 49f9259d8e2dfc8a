"""What the pages show of who is who: merges of a lead, two leads side by side, suspected duplicates."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ingest import duplicates
from ingest import selectors as ingest
from ingest.merge_history import merged_leads, unused_names
from ingest.models import Identifier, Lead, Project
from ingest.services.merges import MergeRefused, foresee_merge
from leadscore.dashboard import queries
from leadscore.dashboard.stages import StageScale
from leadscore.dashboard.values import LeadRow
from scoring.core.timeline import Timeline
from scoring.selectors import LeadView, lead_views

NAMES_SHOWN = 12
REFUSED_SHOWN = 20
SUSPICIONS_A_PAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two leads that may become one."""

    row: LeadRow
    known_since: datetime
    identifiers: Sequence[Identifier]
    more: int
    survives: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A lead that may be another one. `compare_with`: one of the others that nobody has told apart from it."""

    row: LeadRow
    known_since: datetime
    compare_with: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspicionRow:
    """Leads that may be one person, and why."""

    id: UUID
    why: str
    since: datetime
    suspects: Sequence[Suspect]


def who_is_who(lead: Lead, members: Collection[UUID]) -> dict[str, Any]:
    """Return what a lead answers to, what was merged into it, and which names were not used. Four queries at most."""
    return {
        "identifiers": ingest.identifiers_of_members(members),
        "merged": merged_leads(lead.project_id, members),
        "unused": unused_names(members, limit=REFUSED_SHOWN),
    }


def preview(project: Project, lead: Lead, other: Lead, *, timeline: Timeline, now: datetime) -> dict[str, Any]:
    """Return two leads side by side and what merging them would do, or why it cannot be done."""
    foreseen = foresee_merge(project.pk, lead.pk, other.pk)
    if isinstance(foreseen, MergeRefused):
        return {"refused": foreseen.detail, "other": other}
    scale = queries.scale_in(timeline)
    views = lead_views([lead, other], timeline=timeline, now=now)
    sides = [_side(views[each.pk], scale, survives=each.pk == foreseen.survivor) for each in (lead, other)]
    return {
        "other": other,
        "foreseen": foreseen,
        "sides": sides,
        "survivor": next(side.row for side in sides if side.survives),
        "absorbed": next(side.row for side in sides if not side.survives),
        "told_apart": bool(duplicates.pairs_told_apart({lead.pk, other.pk})),
    }


def _side(view: LeadView, scale: StageScale, *, survives: bool) -> Side:
    identifiers = ingest.identifiers_of(view.lead.pk)
    return Side(
        row=queries.lead_row(view, scale=scale),
        known_since=view.lead.created_at,
        identifiers=identifiers[:NAMES_SHOWN],
        more=max(0, len(identifiers) - NAMES_SHOWN),
        survives=survives,
    )


def suspicions(project: Project, *, cursor: str | None, timeline: Timeline, now: datetime) -> dict[str, Any]:
    """Return a page of suspected duplicates; raise `CursorInvalid`."""
    scale = queries.scale_in(timeline)
    page = duplicates.suspicions_page(project.pk, cursor=cursor, limit=SUSPICIONS_A_PAGE)
    views = lead_views([lead for suspicion in page.rows for lead in suspicion.leads], timeline=timeline, now=now)
    return {
        "suspicions": [_suspicion(suspicion, views, scale) for suspicion in page.rows],
        "next_url": page.next and f"?cursor={page.next}",
        "previous_url": page.previous and f"?cursor={page.previous}",
    }


def _suspicion(suspicion: duplicates.Suspicion, views: dict[UUID, LeadView], scale: StageScale) -> SuspicionRow:
    suspects = []
    for place, lead in enumerate(suspicion.leads):
        earlier = (
            other.pk for other in suspicion.leads[:place] if frozenset((other.pk, lead.pk)) not in suspicion.told_apart
        )
        row = queries.lead_row(views[lead.pk], scale=scale)
        suspects.append(Suspect(row=row, known_since=lead.created_at, compare_with=next(earlier, None)))
    return SuspicionRow(id=suspicion.id, why=suspicion.kind.label, since=suspicion.since, suspects=suspects)
