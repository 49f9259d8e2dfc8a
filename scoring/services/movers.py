"""The leads that a rescore moves the most, with the rules that make the difference."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from scoring.core.points import to_number
from scoring.core.preview import Tally, reasons
from scoring.core.timeline import Timeline
from scoring.log import logs_of
from scoring.models import ScoreEntry
from scoring.services import projection
from scoring.services.projection import rules_of
from scoring.timelines import timeline_of

_OTHER = {"decay": "Fading and expiry", "adjustment": "Adjustments", "event": "Other"}
_TOLD = 5


def told(project_id: UUID, tally: Tally, timeline: Timeline | None, *, now: datetime) -> dict[str, Any]:
    """Return a tally as it is stored and shown: with reasons where `timeline` says what the rules would be.

    The reasons compare the stored ledgers with those that the timeline gives, for the few leads that are named.
    """
    tree = tally.dump()
    if timeline is None:
        return tree
    leads = [UUID(mover["leadId"]) for mover in tree["movers"]]
    before = _stored_sources(project_id, leads)
    logs = logs_of(leads)
    primary = timeline.latest.primary.name
    for mover, lead_id in zip(tree["movers"], leads, strict=True):
        done = projection.rebuild(project_id, lead_id, timeline, logs[lead_id], now=now)
        after = [
            source
            for entry in done.entries
            if entry.scorecard == primary
            for source in _sources(entry.kind, rules_of(entry), entry.delta)
        ]
        mover["reasons"] = [
            {"name": reason.name, "before": to_number(reason.before), "after": to_number(reason.after)}
            for reason in reasons(before[lead_id], after)[:_TOLD]
        ]
    return tree


def _stored_sources(project_id: UUID, lead_ids: list[UUID]) -> dict[UUID, list[tuple[str, Decimal]]]:
    primary = timeline_of(project_id).latest.primary.name
    found: dict[UUID, list[tuple[str, Decimal]]] = {lead_id: [] for lead_id in lead_ids}
    entries = ScoreEntry.objects.filter(lead__in=lead_ids, scorecard=primary)
    for lead_id, kind, rules, delta in entries.values_list("lead", "kind", "rules", "delta"):
        found[lead_id] += _sources(kind, rules, delta)
    return found


def _sources(kind: str, rules: Iterable[dict[str, Any]], delta: Decimal) -> list[tuple[str, Decimal]]:
    """Return what gave an entry its points: its rules, and what is left over."""
    if kind != "event":
        return [(_OTHER[kind], delta)]
    parts = [(str(rule["name"]), Decimal(str(rule.get("applied", rule["points"])))) for rule in rules]
    rest = delta - sum(points for _, points in parts)
    return [*parts, (_OTHER[kind], rest)] if rest else parts
