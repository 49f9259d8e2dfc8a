"""Publish a draft and set off what follows from it."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import yaml

from ingest import database
from ingest.models import User
from scoring.core.ruleset import RulesetInvalid, dump_ruleset
from scoring.models import RulesetVersion
from scoring.services import fading
from scoring.services.rulesets import (
    DraftInvalid,
    NothingChanged,
    Published,
    draft_of,
    latest_version,
    publish,
)
from scoring.wake import start


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How the draft differs from the version in force: marked lines (`+`, `-`, ` `), or why it cannot be published."""

    version: int
    lines: Sequence[tuple[str, str]]
    errors: Sequence[tuple[str, str]]


def difference(project_id: UUID) -> Difference:
    """Return how a project's draft differs from what is in force."""
    latest = latest_version(project_id)
    try:
        draft = dump_ruleset(draft_of(project_id))
    except RulesetInvalid as invalid:
        return Difference(version=latest.number, lines=(), errors=invalid.errors)
    compared = difflib.unified_diff(_lines(latest.content), _lines(draft), lineterm="", n=3)
    lines = [(line[0], line[1:]) for line in compared if not line.startswith(("---", "+++"))]
    return Difference(version=latest.number, lines=lines, errors=())


def publish_draft(
    project_id: UUID, *, by: User | None, note: str, applies_from: datetime | None, now: datetime
) -> Published | DraftInvalid | NothingChanged:
    """Publish a project's draft; its leads are rescored in the background.

    Also when it applies from now on: an event may have been scored ahead of its time (clients' clocks, a batch under
    way), and leads without a new event stand on new scorecards and stages too.
    """

    def work() -> Published | DraftInvalid | NothingChanged:
        outcome = publish(project_id, by=by, note=note, applies_from=applies_from, now=now)
        if isinstance(outcome, Published) and applies_from is not None and _brings_back(outcome.version):
            fading.look_again(project_id, now=now)  # not a rescore: what fell due meanwhile is news
        elif isinstance(outcome, Published):
            database.on_commit(lambda: start("scoring.tasks.rescore_project", project_id))
        return outcome

    return database.unit_of_work(work)


def _brings_back(version: RulesetVersion) -> bool:
    """Return whether a scorecard that stood still is in force again: what fell due meanwhile happens now."""
    before = RulesetVersion.objects.filter(project=version.project_id, number__lt=version.number).order_by("-number")
    latest, *earlier = (_names(content) for content in before.values_list("content", flat=True))
    return bool((_names(version.content) - latest) & set().union(*earlier))


def _names(content: dict[str, Any]) -> set[str]:
    return {card["name"] for card in content["scorecards"]}


def _lines(tree: dict[str, Any]) -> list[str]:
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).splitlines()
