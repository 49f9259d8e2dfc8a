"""Draft and publish rulesets. A published version is frozen; the draft is what the admin edits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from ingest import database
from ingest.models import Project, User
from scoring.core.defaults import DEFAULT_RULESET
from scoring.core.ruleset import RulesetInvalid, dump_ruleset, parse_ruleset
from scoring.core.schema import RulesetSpec
from scoring.models import Rule, RulesetVersion, Scorecard, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    version: RulesetVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftInvalid:
    """Refused: the draft breaks these rules, each given as (JSON pointer, sentence)."""

    errors: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingChanged:
    """Refused: the draft is what is in force already."""

    version: RulesetVersion


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


def draft_tree(project_id: UUID) -> dict[str, Any]:
    """Return the draft as a ruleset tree, valid or not."""
    cards = Scorecard.objects.filter(project=project_id).order_by("position", "name")
    return {"scorecards": [_card_tree(card) for card in cards.prefetch_related("stages", "rules")]}


def _card_tree(card: Scorecard) -> dict[str, Any]:
    return {
        "name": card.name,
        "floor": card.floor,
        "cap": card.cap,
        "stages": [{"name": stage.name, "min": stage.minimum} for stage in card.stages.all()],
        "rules": [
            {
                "name": rule.name,
                "event": rule.event_type,
                "points": rule.points,
                **({} if rule.active else {"active": False}),
            }
            for rule in card.rules.all()
        ],
    }


def draft_of(project_id: UUID) -> RulesetSpec:
    """Return the draft; raise `RulesetInvalid` if it could not be published."""
    return parse_ruleset(draft_tree(project_id))


def replace_draft(project_id: UUID, spec: RulesetSpec) -> None:
    """Make the draft what `spec` says, as a part of the caller's unit of work."""
    Scorecard.objects.filter(project=project_id).delete()
    for position, card in enumerate(spec.scorecards):
        scorecard = Scorecard.objects.create(
            project_id=project_id, name=card.name, position=position, floor=card.floor, cap=card.cap
        )
        Stage.objects.bulk_create(
            Stage(scorecard=scorecard, name=stage.name, minimum=stage.min) for stage in card.stages
        )
        Rule.objects.bulk_create(
            Rule(
                scorecard=scorecard,
                name=rule.name,
                event_type=str(rule.event),
                points=rule.points,
                active=rule.active,
            )
            for rule in card.rules
        )


def publish(
    project_id: UUID, *, by: User | None, note: str, applies_from: datetime | None, now: datetime
) -> Published | DraftInvalid | NothingChanged:
    """Freeze the draft into the next version.

    With `applies_from` the version scores the events that happen from then on; without it, all events ever. The caller
    starts a rescore. A number is given once: of two publishers at the same time one is run again.
    """

    def work() -> Published | DraftInvalid | NothingChanged:
        database.lock_rows(Project, [project_id])
        try:
            content = dump_ruleset(draft_of(project_id))
        except RulesetInvalid as invalid:
            return DraftInvalid(errors=invalid.errors)
        latest = latest_version(project_id)
        if latest.content == content and (applies_from is not None or latest.applies_from is None):
            return NothingChanged(version=latest)
        newest = RulesetVersion.objects.filter(project=project_id).aggregate(newest=Max("number"))["newest"] or 0
        return Published(
            version=RulesetVersion.objects.create(
                project_id=project_id,
                number=newest + 1,
                content=content,
                applies_from=applies_from,
                published_at=now,
                published_by=by,
                note=note,
            )
        )

    return database.unit_of_work(work)


def latest_version(project_id: UUID) -> RulesetVersion:
    """Return the newest version of a project."""
    return RulesetVersion.objects.filter(project=project_id).latest("number")
