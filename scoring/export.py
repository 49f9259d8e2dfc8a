"""Scoring's part of a project's export: the rules in all their versions, and what they made of the events."""

from collections.abc import Iterator
from uuid import UUID

from ingest.export import Line, Names, rows_told
from scoring.core.ruleset import dump_value
from scoring.models import DeadLetter, LeadScore, RulesetVersion, ScoreEntry
from scoring.services.draft import draft_tree

_VERSION = {
    "number": "number",
    "appliesFrom": "applies_from",
    "publishedAt": "published_at",
    "publishedBy": "published_by",
    "note": "note",
    "rollbackOf": "rollback_of",
    "content": "content",
}
_DEAD_LETTER = {
    "event": "event",
    "leadId": "lead",
    "error": "error",
    "parkedAt": "parked_at",
    "discarded": "discarded",
}
_SCORE = {"leadId": "lead", "scorecard": "scorecard", "score": "score", "stage": "stage"}
_ENTRY = {
    "leadId": "lead",
    "scorecard": "scorecard",
    "sequence": "sequence",
    "kind": "kind",
    "event": "event",
    "eventId": "client_event_id",
    "eventType": "event_type",
    "occurredAt": "occurred_at",
    "delta": "delta",
    "oldScore": "old_score",
    "newScore": "new_score",
    "oldStage": "old_stage",
    "newStage": "new_stage",
    "rules": "rules",
    "rulesetVersion": "ruleset_version",
}


def rules_told(project_id: UUID, names: Names) -> Iterator[Line]:
    """Yield the published versions of a project's rules in the order of their numbers, and the draft."""
    versions = RulesetVersion.objects.filter(project=project_id).order_by("number")
    for line in rows_told("rulesetVersion", versions, _VERSION):
        yield line | {"publishedBy": names(line["publishedBy"])}
    yield {"type": "draft", "content": dump_value(draft_tree(project_id))}


def scores_told(project_id: UUID) -> Iterator[Line]:
    """Yield what is parked, where leads stand, and their ledgers, each in the order in which its index has them."""
    yield from rows_told("deadLetter", DeadLetter.objects.filter(project=project_id).order_by(), _DEAD_LETTER)
    yield from rows_told("score", LeadScore.objects.filter(project=project_id), _SCORE)
    yield from rows_told(
        "scoreEntry", ScoreEntry.objects.filter(project=project_id).order_by("scorecard", "occurred_at"), _ENTRY
    )


def publishers_of(project_id: UUID) -> set[UUID]:
    """Return who has published a version."""
    publishers = RulesetVersion.objects.filter(project=project_id, published_by__isnull=False)
    return set(publishers.order_by().values_list("published_by", flat=True))
