"""Projects with rules of their own, leads, and events scored at a time of choice."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Max

from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Lead, Project
from ingest.services.events import Recorded, record
from ingest.services.projects import create_project
from ingest.slots import SLOTS
from scoring.core.ruleset import dump_ruleset, parse_ruleset
from scoring.models import LeadScore, RulesetVersion, ScoreEntry
from scoring.services.fading import fade
from tests.builders import drain_all

T0 = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def scorecard(*rules: Mapping[str, Any], name: str = "Engagement", **settings: Any) -> dict[str, Any]:
    return {"name": name, "rules": list(rules), **settings}


def rule(event: str, points: float, **settings: Any) -> dict[str, Any]:
    return {"name": event.replace("_", " "), "event": event, "points": points, **settings}


DEMO_EXPIRES = scorecard(rule("demo_request", 50, expires_after_days=30), rule("page_view", 5))
HALVES = scorecard(rule("demo_request", 50), rule("page_view", 5), half_life_days=10)


def make_project(*scorecards: Mapping[str, Any], at: datetime = T0) -> Project:
    """Return a project whose only version of the rules has these scorecards."""
    project = create_project("Acme", now=at - 1000 * DAY)
    # No service deletes a version; a project that has never had another one makes tests shorter.
    RulesetVersion.objects.filter(project=project)._raw_delete("default")
    publish(project, *scorecards, at=at - 1000 * DAY)
    return project


def publish(
    project: Project, *scorecards: Mapping[str, Any], at: datetime, applies_from: datetime | None = None
) -> RulesetVersion:
    """Put scorecards in force, without rescoring anybody."""
    newest = RulesetVersion.objects.filter(project=project).aggregate(newest=Max("number"))["newest"] or 0
    return RulesetVersion.objects.create(
        project=project,
        number=newest + 1,
        content=dump_ruleset(parse_ruleset({"scorecards": list(scorecards)})),
        applies_from=applies_from,
        published_at=at,
    )


def send(project: Project, event_type: str, at: datetime, *, now: datetime | None = None, **values: Any) -> Lead:
    """Store an event of Ada's that happened at `at` and was received at `now`, by default then; return her."""
    event = IncomingEvent(event_type=event_type, **{"names": (Name("user_id", "ada"),), "timestamp": at, **values})
    (outcome,) = record(project.pk, [event], now=now or at)
    assert isinstance(outcome, Recorded), outcome
    assert outcome.lead_id is not None
    return Lead.objects.get(pk=outcome.lead_id)


def score(at: datetime) -> None:
    """Score all that is pending at a time."""
    drain_all(at)


def track(project: Project, event_type: str, at: datetime, *, now: datetime | None = None, **values: Any) -> Lead:
    """Store an event as `send` does, and score it when it is received."""
    lead = send(project, event_type, at, now=now, **values)
    score(now or at)
    return lead


def let_fade(at: datetime) -> None:
    """Visit whoever is due at a time."""
    while fade(range(SLOTS), now=at):
        pass


def standing(lead: Lead, scorecard: str = "Engagement") -> tuple[Decimal, str]:
    found = LeadScore.objects.get(lead=lead, scorecard=scorecard)
    return found.score, found.stage


def ledger(lead: Lead, scorecard: str = "Engagement") -> list[tuple[datetime, str, Decimal, Decimal, str]]:
    """Return a lead's entries: when, of which kind, delta, new score, new stage."""
    entries = ScoreEntry.objects.filter(lead=lead, scorecard=scorecard).order_by("sequence")
    return list(entries.values_list("occurred_at", "kind", "delta", "new_score", "new_stage"))
