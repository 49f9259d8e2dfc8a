"""Leads, entries and the like as the API shows them."""

from typing import Any

from scoring.core.entry import Entry
from scoring.core.points import to_number
from scoring.core.simulate import Simulation
from scoring.insight import HistoryLine
from scoring.models import ScoreEntry
from scoring.selectors import LeadView, Ranked
from scoring.services.projection import rules_of


def represent_lead(view: LeadView) -> dict[str, Any]:
    """Return a lead."""
    lead = view.lead
    owner = lead.owner
    return {
        "id": str(lead.pk),
        "name": lead.name or None,
        "email": lead.email or None,
        "company": lead.company or None,
        "currentScore": to_number(view.score),
        "leadStage": view.stage,
        "scorecards": [
            {"name": card.scorecard, "score": to_number(card.score), "stage": card.stage} for card in view.cards
        ],
        "grade": view.grade,
        "eventsLast24h": view.events_last_24h,
        "lastEventAt": view.last_event_at,
        "owner": None if owner is None else {"id": str(owner.pk), "name": str(owner)},
        "traits": lead.traits,
        "createdAt": lead.created_at,
    }


def represent_line(line: HistoryLine) -> dict[str, Any]:
    """Return one line of the score ledger, with what was said of it where it is an adjustment."""
    said = line.adjustment
    told = None if said is None else {"reason": said["reason"], "author": said["author"]}
    return {**represent_entry(line.entry), "adjustment": told}


def represent_entry(entry: ScoreEntry) -> dict[str, Any]:
    """Return one line of the score ledger."""
    return {
        "eventId": entry.client_event_id or None,
        "eventType": entry.event_type or None,
        "kind": entry.kind,
        "occurredAt": entry.occurred_at,
        "delta": to_number(entry.delta),
        "oldScore": to_number(entry.old_score),
        "newScore": to_number(entry.new_score),
        "oldStage": entry.old_stage,
        "newStage": entry.new_stage,
        "rules": entry.rules,
        "rulesetVersion": entry.ruleset_version,
    }


def represent_simulation(found: Simulation) -> dict[str, Any]:
    """Return where a simulated lead ends; `entries` are the primary scorecard's, which are what history shows."""
    primary = found.scorecards[0]
    by_card: dict[str, list[dict[str, Any]]] = {card.name: [] for card in found.scorecards}
    for entry in found.entries:
        by_card[entry.scorecard].append(_represent_simulated(entry))
    return {
        "score": to_number(primary.score),
        "stage": primary.stage,
        "scorecards": [
            {"name": card.name, "score": to_number(card.score), "stage": card.stage, "entries": by_card[card.name]}
            for card in found.scorecards
        ],
        "entries": by_card[primary.name],
    }


def _represent_simulated(entry: Entry) -> dict[str, Any]:
    return {
        "eventId": entry.event_key or None,
        "eventType": entry.event_type,
        "kind": entry.kind,
        "occurredAt": entry.occurred_at,
        "delta": to_number(entry.delta),
        "oldScore": to_number(entry.old_score),
        "newScore": to_number(entry.new_score),
        "oldStage": entry.old_stage,
        "newStage": entry.new_stage,
        "rules": rules_of(entry),
        "rulesetVersion": entry.ruleset_version,
    }


def represent_ranked(ranked: Ranked) -> dict[str, Any]:
    """Return a place on the leaderboard."""
    return {
        "rank": ranked.rank,
        "leadId": str(ranked.lead.pk),
        "name": ranked.lead.name or None,
        "company": ranked.lead.company or None,
        "score": to_number(ranked.score),
        "stage": ranked.stage,
    }
