"""Take leads out of what walks have found: the biggest movers and the samples they name."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from scoring.models import Walk, WalkPart


def forget(project_id: UUID, lead_ids: Collection[UUID]) -> None:
    """Let what a project's walks have found name none of these leads; what was counted stays counted.

    A walk that is under way may still name one that it has seen: by an id that leads nowhere.
    """
    names = {str(lead_id) for lead_id in lead_ids}
    for part in WalkPart.objects.filter(walk__project=project_id).only("tally"):
        if _mentions(part.tally, names):
            WalkPart.objects.filter(pk=part.pk).update(tally=_without(part.tally, names))
    WalkPart.objects.filter(cursor__in=lead_ids, finished_at__isnull=False).update(cursor=None)
    for walk in Walk.objects.filter(project=project_id).only("result"):
        if _mentions(walk.result, names):
            Walk.objects.filter(pk=walk.pk).update(result=_without(walk.result, names))


def _mentions(tree: dict[str, Any], names: Collection[str]) -> bool:
    return any(mover["leadId"] in names for mover in tree.get("movers", ())) or any(
        sample in names for cell in tree.get("matrix", ()) for sample in cell["samples"]
    )


def _without(tree: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    return tree | {
        "movers": [mover for mover in tree["movers"] if mover["leadId"] not in names],
        "matrix": [
            cell | {"samples": [sample for sample in cell["samples"] if sample not in names]} for cell in tree["matrix"]
        ],
    }
