"""Publish a draft and set off what follows from it."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from ingest import database
from ingest.models import User
from scoring.core.changes import Change, changes
from scoring.core.fingerprint import fingerprint
from scoring.core.mistakes import mistake_in_words
from scoring.core.ruleset import RulesetInvalid, dump_ruleset, parse_ruleset
from scoring.core.ruleset_file import write_ruleset
from scoring.core.schema import RulesetSpec
from scoring.core.simulate import run_tests
from scoring.models import RulesetVersion
from scoring.services import fading
from scoring.services.draft import draft_of, draft_tree, replace_draft
from scoring.services.rulesets import (
    NothingChanged,
    Outcome,
    Published,
    freeze_draft,
    latest_version,
    time_zone_of,
)
from scoring.services.walks import start_rescore

AnyOutcome = TypeVar("AnyOutcome", Outcome, Published | NothingChanged)


class _Refused(Exception):
    """Undoes the unit of work; its argument is the outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How the draft differs from the version in force: marked lines (`+`, `-`, ` `), or why it cannot be published."""

    version: int
    lines: Sequence[tuple[str, str]]
    errors: Sequence[str]


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
    if problems := problems_of(project_id):
        return DraftView(version=latest.number, changes=(), errors=problems, content_hash=None, spec=None)
    spec = draft_of(project_id)
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
    if problems := problems_of(project_id):
        return Difference(version=latest.number, lines=(), errors=problems)
    lines = compare(latest.content, dump_ruleset(draft_of(project_id)))
    return Difference(version=latest.number, lines=lines, errors=())


def problems_of(project_id: UUID) -> Sequence[str]:
    """Return in words why a project's draft cannot be published, nothing when it can."""
    tree = draft_tree(project_id)
    try:
        spec = parse_ruleset(tree)
    except RulesetInvalid as invalid:
        return [mistake_in_words(pointer, detail, tree) for pointer, detail in invalid.errors]
    return run_tests(spec, time_zone=time_zone_of(project_id))


def compare(old: dict[str, Any], new: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """Return the lines of a unified diff of two ruleset trees as (mark, text)."""
    compared = difflib.unified_diff(write_ruleset(old).splitlines(), write_ruleset(new).splitlines(), lineterm="", n=3)
    return [(line[0], line[1:]) for line in compared if not line.startswith(("---", "+++"))]


def publish_draft(
    project_id: UUID, *, by: User | None, note: str, applies_from: datetime | None, now: datetime
) -> Outcome:
    """Publish a project's draft; its leads are rescored in the background.

    Also when it applies from now on: an event may have been scored ahead of its time (clients' clocks, a batch under
    way), and leads without a new event stand on new scorecards and stages too.
    """

    def work() -> Outcome:
        outcome = freeze_draft(project_id, by=by, note=note, applies_from=applies_from, now=now)
        return follow(outcome, by=by, now=now)

    return database.unit_of_work(work)


def follow(outcome: AnyOutcome, *, by: User | None, now: datetime) -> AnyOutcome:
    """Start what follows from a version, in its unit of work: a rescore, but where time has news to tell."""
    if not isinstance(outcome, Published):
        return outcome
    version = outcome.version
    if version.applies_from is not None and _brings_back(version):
        fading.look_again(version.project_id, now=now)  # a rescore would apply what fell due and fire nothing
    else:
        start_rescore(version.project_id, by=by, now=now)
    return outcome


def replace_and_publish(
    project_id: UUID, spec: RulesetSpec, *, by: User | None, note: str, applies_from: datetime | None, now: datetime
) -> Outcome:
    """Make `spec` the draft and publish it; when publishing is refused, the draft stays as it was."""

    def work() -> Outcome:
        replace_draft(project_id, spec)
        outcome = publish_draft(project_id, by=by, note=note, applies_from=applies_from, now=now)
        if not isinstance(outcome, Published | NothingChanged):
            raise _Refused(outcome)
        return outcome

    try:
        return database.unit_of_work(work)
    except _Refused as refused:
        return cast("Outcome", refused.args[0])


def _brings_back(version: RulesetVersion) -> bool:
    """Return whether a scorecard that stood still is in force again: what fell due meanwhile happens now."""
    before = RulesetVersion.objects.filter(project=version.project_id, number__lt=version.number).order_by("-number")
    latest, *earlier = (_names(content) for content in before.values_list("content", flat=True))
    return bool((_names(version.content) - latest) & set().union(*earlier))


def _names(content: dict[str, Any]) -> set[str]:
    return {card["name"] for card in content["scorecards"]}
