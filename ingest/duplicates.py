"""Read which leads may be one person: groups that share a match key and that nobody has told apart."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from ingest.core.matching import Kind
from ingest.ids import made_at
from ingest.models import Lead, MatchKey, Merge, NotTheSame
from ingest.pages import Page, page_of
from ingest.selectors import members_of_leads

MAX_COUNTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Leads that may be one person, why, and since when. `told_apart`: pairs of them that are not, as somebody said."""

    id: UUID
    kind: Kind
    since: datetime
    leads: Sequence[Lead]
    told_apart: frozenset[frozenset[UUID]]


def pairs_told_apart(lead_ids: Collection[UUID]) -> set[frozenset[UUID]]:
    """Return the pairs of these leads, which stand for themselves, that somebody dismissed or separated.

    What was said of a lead holds for the one it has been merged into.
    """
    if len(lead_ids) < 2:
        return set()
    homes = members_of_leads(lead_ids)
    said = list(NotTheSame.objects.filter(lead__in=homes, other__in=homes).values_list("lead", "other"))
    undone = Merge.objects.filter(lead__in=homes, into__in=homes, undone_at__isnull=False)
    said += list(undone.values_list("lead", "into"))
    return {frozenset((homes[one], homes[other])) for one, other in said if homes[one] != homes[other]}


def _open(project_id: UUID) -> QuerySet[MatchKey]:
    return MatchKey.objects.filter(project=project_id, place=1, settled=False)


def suspicion_count(project_id: UUID) -> int:
    """Return how many suspicions are to be looked at; counting stops at `MAX_COUNTED`."""
    return _open(project_id)[:MAX_COUNTED].count()


def suspicions_page(project_id: UUID, *, cursor: str | None, limit: int) -> Page[Suspicion]:
    """Return suspected duplicates of a project, the newest suspicion first. Five queries; raises `CursorInvalid`."""
    page = page_of(_open(project_id), order=("-id",), cursor=cursor, limit=limit)
    found = _described(project_id, page.rows)
    return page.map(lambda row: found[row.pk])


def _described(project_id: UUID, rows: Sequence[MatchKey]) -> dict[UUID, Suspicion]:
    by_key: dict[str, list[Lead]] = {row.key: [] for row in rows}
    sharing = MatchKey.objects.filter(project=project_id, key__in=by_key).select_related("lead__owner")
    for member in sharing.order_by("lead"):
        by_key[member.key].append(member.lead)
    apart = pairs_told_apart({lead.pk for leads in by_key.values() for lead in leads})
    return {
        row.pk: Suspicion(
            id=row.pk,
            kind=Kind(row.kind),
            since=made_at(row.pk),
            leads=by_key[row.key],
            told_apart=frozenset(pair for pair in apart if pair <= {lead.pk for lead in by_key[row.key]}),
        )
        for row in rows
    }
