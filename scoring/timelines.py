"""The version timelines in force, compiled once per process and version."""

from collections import OrderedDict, defaultdict
from collections.abc import Collection
from datetime import datetime
from threading import Lock
from uuid import UUID

from django.db.models import Max, Min, Q
from django.db.models.functions import Coalesce

from ingest.models import Project
from scoring.core.ruleset import compile_ruleset, parse_ruleset
from scoring.core.timeline import Timeline
from scoring.models import RulesetVersion

# When the project was made stands in it because an imported one that was deleted comes back under the same id.
_Key = tuple[UUID, int, str, datetime]
_KEPT = 1_000
_lock = Lock()
_compiled: "OrderedDict[_Key, Timeline]" = OrderedDict()


def timelines_of(project_ids: Collection[UUID], *, known_at: datetime | None = None) -> dict[UUID, Timeline]:
    """Return the timeline of each project, as published now or by `known_at`.

    One query says which version is the newest; a second one, only if some project has published since, loads it. So a
    worker uses a new version with its next batch.
    """
    newest = (
        Project.objects.filter(pk__in=project_ids)
        .order_by()
        .values_list("pk", "time_zone", "created_at")
        .annotate(newest=_newest(known_at))
    )
    keys: dict[UUID, _Key] = {
        pk: (pk, number, time_zone, made_at) for pk, time_zone, made_at, number in newest if number is not None
    }
    with _lock:
        found = {pk: _compiled[key] for pk, key in keys.items() if key in _compiled}
    missing = {pk: key for pk, key in keys.items() if pk not in found}
    if missing:
        loaded = _load(missing)
        with _lock:
            for pk, timeline in loaded.items():
                _compiled[missing[pk]] = timeline
            while len(_compiled) > _KEPT:
                _compiled.popitem(last=False)
        found |= loaded
    return found


def timeline_of(project_id: UUID, *, known_at: datetime | None = None) -> Timeline:
    """Return the timeline of one project, as published now or by `known_at` (its first version, before any was)."""
    return timelines_of([project_id], known_at=known_at)[project_id]


def _newest(known_at: datetime | None) -> Max | Coalesce:
    if known_at is None:
        return Max("ruleset_versions__number")
    published = Q(ruleset_versions__published_at__lte=known_at)
    return Coalesce(Max("ruleset_versions__number", filter=published), Min("ruleset_versions__number"))


def _load(keys: dict[UUID, _Key]) -> dict[UUID, Timeline]:
    published = defaultdict(list)
    versions = RulesetVersion.objects.filter(project__in=keys).order_by("project", "number")
    for project_id, number, applies_from, content in versions.values_list(
        "project", "number", "applies_from", "content"
    ):
        _, newest, time_zone, _ = keys[project_id]
        if number <= newest:
            published[project_id].append((applies_from, number, time_zone, content))
    return {
        project_id: Timeline.build(
            [
                (applies_from, compile_ruleset(parse_ruleset(content), number=number, time_zone=time_zone))
                for applies_from, number, time_zone, content in rows
            ]
        )
        for project_id, rows in published.items()
    }
