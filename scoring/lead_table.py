"""The leads of a project as a table for spreadsheets: which columns, and a line for every lead."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from ingest.core.csv_lines import csv_stream
from scoring.core.points import to_number
from scoring.selectors import CardScore, LeadView, lead_batches, scorecard_names

BATCH = 1_000


def lead_table(
    project_id: UUID,
    *,
    stage: str | None,
    text: str | None,
    order: str,
    traits: Sequence[str] = (),
    mark: bool,
    now: datetime,
) -> Iterator[str]:
    """Yield the leads that `selectors.leads_page` lists, all of them, as parts of a CSV file.

    `traits` name columns to add; `mark` begins the file with a byte order mark. Leads are read a batch at a time, so
    memory does not grow with their number; one whose place in the order changes meanwhile may come twice or not at all.
    """
    _, *others = scorecard_names(project_id)
    header = [
        *("id", "name", "email", "company", "score", "stage", "grade"),
        *(f"{name} {what}" for name in others for what in ("score", "stage")),
        *("owner", "lastEventAt", "createdAt"),
        *(f"traits.{name}" for name in traits),
    ]
    batches = lead_batches(project_id, stage=stage, text=text, order=order, size=BATCH, now=now)
    return csv_stream(header, (_lines(views, others, traits) for views in batches), mark=mark)


def _lines(views: Sequence[LeadView], others: Sequence[str], traits: Sequence[str]) -> Iterator[list[object]]:
    for view in views:
        lead = view.lead
        cards = {card.scorecard: card for card in view.cards}
        known: Mapping[str, Any] = lead.traits
        yield [
            *(lead.pk, lead.name, lead.email, lead.company, to_number(view.score), view.stage, view.grade),
            *(cell for name in others for cell in _standing(cards.get(name))),
            *(lead.owner, view.last_event_at, lead.created_at),
            *(known.get(name) for name in traits),
        ]


def _standing(card: CardScore | None) -> tuple[object, object]:
    return (None, None) if card is None else (to_number(card.score), card.stage)
