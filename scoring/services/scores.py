"""Give new leads their first, empty scores, so that every lead stands somewhere from the moment it exists."""

from collections.abc import Sequence
from uuid import UUID

from ingest import database
from ingest.ids import new_id
from scoring.core import engine
from scoring.models import LeadScore
from scoring.timelines import timeline_of

_FIELDS = ("id", "project", "lead", "scorecard", "score", "stage")


def open_scores(project_id: UUID, lead_ids: Sequence[UUID]) -> None:
    """Write the start score of each scorecard for these new leads, as a part of the caller's unit of work."""
    if not lead_ids:
        return
    cards = engine.initial_state(timeline_of(project_id)).cards
    database.insert_rows(
        LeadScore,
        _FIELDS,
        [
            (new_id(), project_id, lead_id, name, card.score, card.stage)
            for lead_id in lead_ids
            for name, card in cards.items()
        ],
    )
