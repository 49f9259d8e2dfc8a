"""Mark leads whose ledgers must be folded from the log anew, because what their logs hold has changed.

The event that says so is pending with the mark, so their queue takes them up. Until then time leaves them alone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from ingest import database
from ingest.signals import LeadsMerged, LeadsSeparated
from scoring.core.stages import StageTable
from scoring.models import LeadScore, LeadState, LongRefold, Refold, ScoreEntry
from scoring.services.scores import open_scores
from scoring.timelines import timeline_of

_FIELDS = ("lead", "stood_in", "quiet", "requested_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a refold must know: the stages that leads merged into this one had reached, and whether it fires nothing."""

    stood_in: tuple[str, ...]
    quiet: bool

    def highest(self, stage: str, stages: StageTable) -> str:
        """Return the highest of a stage and those reached before; one that the scorecard does not have counts least."""
        return max(stage, *self.stood_in, key=lambda name: stages.ranks.get(name, -1)) if self.stood_in else stage


def after_merge(merged: LeadsMerged) -> None:
    """Take the ledger of a lead away that became part of another, and mark the other.

    What has fired for a stage that either of them had reached does not fire again.
    """
    primary = timeline_of(merged.project_id).latest.primary.name
    marks = marks_of([merged.absorbed, merged.survivor])
    mark, earlier = marks.get(merged.survivor), marks.get(merged.absorbed)
    reached = LeadScore.objects.filter(lead=merged.absorbed, scorecard=primary).values_list("stage", flat=True)
    stood_in = {*reached, *(mark.stood_in if mark else ()), *(earlier.stood_in if earlier else ())}
    for model in (LeadScore, LeadState, ScoreEntry, Refold, LongRefold):
        model.objects.filter(lead=merged.absorbed).delete()
    quiet = mark is not None and mark.quiet
    database.upsert_rows(
        Refold,
        _FIELDS,
        [(merged.survivor, sorted(stood_in), quiet, merged.now)],
        unique=("lead",),
        update=("stood_in", "quiet", "requested_at"),
    )


def after_separation(separated: LeadsSeparated) -> None:
    """Let a lead stand somewhere again that was part of another, and mark both: it is itself no reason to act."""
    open_scores(separated.project_id, [separated.separated])
    rows: list[tuple[object, ...]] = [
        (lead_id, [], True, separated.now) for lead_id in sorted([separated.separated, separated.survivor])
    ]
    database.insert_missing_rows(Refold, _FIELDS, rows, unique=("lead",))


def marks_of(lead_ids: Collection[UUID]) -> dict[UUID, Mark]:
    """Return the marks of those of these leads that have one."""
    rows = Refold.objects.filter(lead__in=lead_ids).values_list("lead", "stood_in", "quiet")
    return {lead_id: Mark(stood_in=tuple(stood_in), quiet=quiet) for lead_id, stood_in, quiet in rows}


def done(lead_ids: Collection[UUID]) -> None:
    """Take the marks of leads away that have been folded anew, in the same unit of work."""
    if lead_ids:
        Refold.objects.filter(lead__in=lead_ids).delete()
