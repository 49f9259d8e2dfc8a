"""What the page about rules shows: versions with their changes, a preview ready to be read, how far a walk is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ingest.models import Lead, Project
from leadscore.dashboard import queries
from leadscore.dashboard.stages import StageMark, StageScale
from scoring.core.changes import Change, changes
from scoring.core.ruleset import parse_ruleset
from scoring.models import RulesetVersion, Walk
from scoring.services import walks
from scoring.services.walks import Progress

VERSIONS_SHOWN = 50
RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A published version, and how it differs from the one before."""

    number: int
    applies_from: datetime | None
    published_at: datetime
    by: str
    note: str
    rollback_of: int | None
    puts_aside: bool
    changes: tuple[Change, ...]
    newest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """Leads that go from one stage to another; `heat` is 0 to 5, by their share of all that move."""

    key: str
    old: StageMark
    new: StageMark
    count: int
    heat: int
    stays: bool
    samples: tuple[Lead, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoverRow:
    """A lead whose score moves, and the rules that make the difference."""

    lead: Lead
    old_score: Decimal
    new_score: Decimal
    old_stage: StageMark
    new_stage: StageMark
    reasons: tuple[tuple[str, Decimal, Decimal], ...]

    @property
    def delta(self) -> Decimal:
        return self.new_score - self.old_score


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """A complete preview, ready to be shown."""

    finished_at: datetime | None
    stale: bool
    leads: int
    score_changes: int
    stage_changes: int
    columns: tuple[StageMark, ...]
    rows: tuple[tuple[StageMark, tuple[MatrixCell, ...]], ...]
    movers: tuple[MoverRow, ...]
    automations: tuple[tuple[str, int], ...]

    @property
    def cells_with_leads(self) -> tuple[MatrixCell, ...]:
        """Return the moves there are, the most leads first."""
        cells = [cell for _, row in self.rows for cell in row if cell.count and not cell.stays]
        return tuple(sorted(cells, key=lambda cell: -cell.count))


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkView:
    """A walk that is under way, or how it ended."""

    status: str
    error: str
    progress: Progress


def versions_of(project: Project) -> tuple[VersionRow, ...]:
    """Return the published versions, the newest first."""
    found = list(
        RulesetVersion.objects.filter(project=project)
        .select_related("published_by")
        .order_by("-number")[: VERSIONS_SHOWN + 1]
    )
    specs = {version.number: parse_ruleset(version.content) for version in found}
    return tuple(
        VersionRow(
            number=version.number,
            applies_from=version.applies_from,
            published_at=version.published_at,
            by="" if version.published_by is None else str(version.published_by),
            note=version.note,
            rollback_of=version.rollback_of,
            puts_aside=version.replaced_draft is not None,
            changes=tuple(changes(specs[before.number], specs[version.number])) if before else (),
            newest=version is found[0],
        )
        for version, before in zip(found, [*found[1:], None], strict=True)
    )[:VERSIONS_SHOWN]


def walk_view(walk: Walk | None, *, now: datetime) -> WalkView | None:
    """Return how far a walk is, None when there is nothing to say about it any more."""
    if walk is None or walk.status == Walk.Status.SUPERSEDED:
        return None
    if walk.status == Walk.Status.DONE and walk.finished_at is not None and walk.finished_at < now - RECENT:
        return None
    return WalkView(status=walk.status, error=walk.error, progress=walks.progress_of(walk, now=now))


def preview_view(walk: Walk | None, *, draft_hash: str | None, scale: StageScale) -> PreviewView | None:
    """Return a preview that is complete; it is stale when the draft or the rules in force have changed since."""
    if walk is None or walk.status != Walk.Status.DONE:
        return None
    result: Mapping[str, Any] = walk.result
    new_scale = queries.scale_of_draft(walk)
    leads = _leads(walk.project_id, result)
    old_stages = [*scale.stages, *_others(scale, (cell["from"] for cell in result["matrix"]))]
    counts = {(cell["from"], cell["to"]): cell for cell in result["matrix"]}
    moving = sum(cell["count"] for pair, cell in counts.items() if pair[0] != pair[1])
    return PreviewView(
        finished_at=walk.finished_at,
        stale=(walk.content_hash, walk.ruleset_version) != (draft_hash, queries.newest_version(walk.project_id)),
        leads=result["leads"],
        score_changes=result["scoreChanges"],
        stage_changes=result["stageChanges"],
        columns=new_scale.stages,
        rows=tuple(
            (
                old,
                tuple(
                    _cell(f"{row}-{column}", old, new, counts.get((old.name, new.name)), moving, leads)
                    for column, new in enumerate(new_scale.stages)
                ),
            )
            for row, old in enumerate(old_stages)
        ),
        movers=tuple(
            MoverRow(
                lead=leads[mover["leadId"]],
                old_score=Decimal(str(mover["oldScore"])),
                new_score=Decimal(str(mover["newScore"])),
                old_stage=scale.mark(mover["oldStage"]),
                new_stage=new_scale.mark(mover["newStage"]),
                reasons=tuple(
                    (reason["name"], Decimal(str(reason["before"])), Decimal(str(reason["after"])))
                    for reason in mover.get("reasons", ())
                ),
            )
            for mover in result["movers"]
            if mover["leadId"] in leads
        ),
        automations=tuple((each["name"], each["count"]) for each in result.get("automations", ())),
    )


def _others(scale: StageScale, names: Iterable[str]) -> list[StageMark]:
    known = {stage.name for stage in scale.stages}
    return [scale.mark(name) for name in dict.fromkeys(names) if name not in known]


def _cell(
    key: str, old: StageMark, new: StageMark, cell: Mapping[str, Any] | None, moving: int, leads: Mapping[str, Lead]
) -> MatrixCell:
    count = 0 if cell is None else cell["count"]
    stays = old.name == new.name
    heat = 0 if stays or not count else min(5, 1 + 5 * count // max(moving, 1))
    samples = () if cell is None or stays else tuple(leads[each] for each in cell["samples"] if each in leads)
    return MatrixCell(key=key, old=old, new=new, count=count, heat=heat, stays=stays, samples=samples)


def _leads(project_id: UUID, result: Mapping[str, Any]) -> dict[str, Lead]:
    """Return the leads that a result names and that still exist."""
    named = {mover["leadId"] for mover in result["movers"]}
    named |= {lead for cell in result["matrix"] if cell["from"] != cell["to"] for lead in cell["samples"]}
    return {str(lead.pk): lead for lead in Lead.objects.filter(project=project_id, pk__in=named)}
