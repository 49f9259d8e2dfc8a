"""Roll back: publish what an earlier version says as the next version. Nothing is lost on the way.

The versions in between stay, and a draft with unpublished changes is kept with the new version.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest import database
from ingest.models import Project, User
from scoring.core.ruleset import RulesetInvalid, dump_ruleset, parse_ruleset
from scoring.models import RulesetVersion
from scoring.services.draft import draft_of, replace_draft
from scoring.services.publication import follow
from scoring.services.rulesets import NothingChanged, Published, freeze, latest_version


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """The new version; whether unpublished changes of the draft were put aside, or the draft could not be replaced."""

    version: RulesetVersion
    draft_put_aside: bool
    draft_left_alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionUnknown:
    """Refused: the project has no such version, or it has put no draft aside."""


def roll_back(
    project_id: UUID, number: int, *, by: User | None, note: str, applies_from: datetime | None, now: datetime
) -> RolledBack | NothingChanged | VersionUnknown:
    """Publish the content of version `number` as the next version and make it the draft.

    Unpublished changes of the draft are kept with the new version (`restore_draft` brings them back). A draft with
    mistakes, which could not be kept that way, is left as it is.
    """

    def work() -> RolledBack | NothingChanged | VersionUnknown:
        database.lock_rows(Project, [project_id])
        version = RulesetVersion.objects.filter(project=project_id, number=number).first()
        if version is None:
            return VersionUnknown()
        latest = latest_version(project_id)
        try:
            draft = dump_ruleset(draft_of(project_id))
        except RulesetInvalid:
            draft = None
        put_aside = draft if draft not in (None, version.content, latest.content) else None
        frozen = freeze(
            project_id,
            version.content,
            by=by,
            note=note,
            applies_from=applies_from,
            now=now,
            rollback_of=number,
            replaced_draft=put_aside,
        )
        outcome = follow(frozen, by=by, now=now)
        if not isinstance(outcome, Published):
            return outcome
        if draft is not None:
            replace_draft(project_id, parse_ruleset(version.content))
        return RolledBack(
            version=outcome.version, draft_put_aside=put_aside is not None, draft_left_alone=draft is None
        )

    return database.unit_of_work(work)


def restore_draft(project_id: UUID, number: int) -> RulesetVersion | VersionUnknown:
    """Make the draft again what it was before the rollback that became version `number`."""

    def work() -> RulesetVersion | VersionUnknown:
        version = RulesetVersion.objects.filter(project=project_id, number=number).first()
        if version is None or version.replaced_draft is None:
            return VersionUnknown()
        replace_draft(project_id, parse_ruleset(version.replaced_draft))
        return version

    return database.unit_of_work(work)
