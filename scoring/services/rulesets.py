"""Draft and publish rulesets. A published version is frozen; the draft is what the admin edits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ingest import database
from ingest.models import Project, User
from scoring.core.defaults import DEFAULT_RULESET
from scoring.core.ruleset import RulesetInvalid, dump_ruleset
from scoring.core.simulate import run_tests
from scoring.models import RulesetVersion
from scoring.services.draft import draft_of, replace_draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    version: RulesetVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftInvalid:
    """Refused: the draft breaks these rules, each given as (JSON pointer, sentence)."""

    errors: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsFailed:
    """Refused: these of the draft's own tests do not come out as expected, each told in a sentence."""

    __test__ = False

    failures: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingChanged:
    """Refused: the draft is what is in force already."""

    version: RulesetVersion


Outcome = Published | DraftInvalid | TestsFailed | NothingChanged


def create_default_ruleset(project_id: UUID, *, now: datetime) -> RulesetVersion:
    """Give a new project its default scorecard, as a draft and as its first version."""

    def work() -> RulesetVersion:
        replace_draft(project_id, DEFAULT_RULESET)
        return RulesetVersion.objects.create(
            project_id=project_id,
            number=1,
            content=dump_ruleset(draft_of(project_id)),  # in the order of the draft: nothing differs at first
            published_at=now,
            note="Defaults of a new project",
        )

    return database.unit_of_work(work)


def freeze_draft(
    project_id: UUID, *, by: User | None, note: str, applies_from: datetime | None, now: datetime
) -> Outcome:
    """Freeze the draft into the next version.

    With `applies_from` the version scores the events that happen from then on; without it, all events ever. The caller
    sees to what follows. A number is given once: of two publishers at the same time one is run again.
    """

    def work() -> Outcome:
        database.lock_rows(Project, [project_id])
        try:
            spec = draft_of(project_id)
        except RulesetInvalid as invalid:
            return DraftInvalid(errors=invalid.errors)
        if failures := run_tests(spec, time_zone=time_zone_of(project_id)):
            return TestsFailed(failures=failures)
        return freeze(project_id, dump_ruleset(spec), by=by, note=note, applies_from=applies_from, now=now)

    return database.unit_of_work(work)


def freeze(
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
    """Make a ruleset tree the next version, as a part of the caller's unit of work, which holds the project's lock."""
    latest = latest_version(project_id)
    if latest.content == content and (applies_from is not None or latest.applies_from is None):
        return NothingChanged(version=latest)
    return Published(
        version=RulesetVersion.objects.create(
            project_id=project_id,
            number=latest.number + 1,
            content=content,
            applies_from=applies_from,
            published_at=now,
            published_by=by,
            note=note,
            rollback_of=rollback_of,
            replaced_draft=replaced_draft,
        )
    )


def time_zone_of(project_id: UUID) -> str:
    """Return the time zone in which a project's days begin."""
    return Project.objects.values_list("time_zone", flat=True).get(pk=project_id)


def latest_version(project_id: UUID) -> RulesetVersion:
    """Return the newest version of a project."""
    return RulesetVersion.objects.filter(project=project_id).latest("number")
