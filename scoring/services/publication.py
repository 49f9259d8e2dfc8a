"""Publish a draft and set off what follows from it."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import yaml

from ingest import database
from ingest.models import User
from scoring.core.changes import Change, changes
from scoring.core.fingerprint import fingerprint
from scoring.core.ruleset import RulesetInvalid, dump_ruleset, parse_ruleset
from scoring.core.schema import RulesetSpec
from scoring.services.rulesets import (
    DraftInvalid,
    NothingChanged,
    Published,
    draft_of,
    freeze,
    latest_version,
    publish,
)
from scoring.services.walks import start_rescore

Outcome = TypeVar("Outcome", Published | DraftInvalid | NothingChanged, Published | NothingChanged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How the draft differs from the version in force: marked lines (`+`, `-`, ` `), or why it cannot be published."""

    version: int
    lines: Sequence[tuple[str, str]]
    errors: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftView:
    """The draft against the version in force: what changes, or why it cannot be published.

    Without mistakes, `content_hash` is its fingerprint and `spec` the ruleset itself.
    """

    version: int
    changes: Sequence[Change]
    errors: Sequence[str]
    content_hash: str | None
    spec: RulesetSpec | None


def draft_against_version(project_id: UUID) -> DraftView:
    """Return what publishing a project's draft would change in its rules, in words."""
    latest = latest_version(project_id)
    try:
        spec = draft_of(project_id)
    except RulesetInvalid as invalid:
        errors = [f"{pointer} {detail}" for pointer, detail in invalid.errors]
        return DraftView(version=latest.number, changes=(), errors=errors, content_hash=None, spec=None)
    return DraftView(
        version=latest.number,
        changes=changes(parse_ruleset(latest.content), spec),
        errors=(),
        content_hash=fingerprint(dump_ruleset(spec)),
        spec=spec,
    )


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
        return _followed(outcome, by=by, now=now)

    return database.unit_of_work(work)


def publish_content(
    project_id: UUID,
    content: dict[str, Any],
    *,
    by: User | None,
    note: str,
    applies_from: datetime | None,
    now: datetime,
    rollback_of: int | None = None,
    replaced_draft: dict[str, Any] | None = None,
) -> Published | NothingChanged:
    """Publish what has been published before, as a part of the caller's unit of work with the project's lock."""
    outcome = freeze(
        project_id,
        content,
        by=by,
        note=note,
        applies_from=applies_from,
        now=now,
        rollback_of=rollback_of,
        replaced_draft=replaced_draft,
    )
    return _followed(outcome, by=by, now=now)


def _followed(outcome: Outcome, *, by: User | None, now: datetime) -> Outcome:
    """Start what follows from a version, in its unit of work: a rescore."""
    if isinstance(outcome, Published):
        start_rescore(outcome.version.project_id, by=by, now=now)
    return outcome


def _lines(tree: dict[str, Any]) -> list[str]:
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).splitlines()
