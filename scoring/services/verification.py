"""Compare what is stored of leads with a fresh fold of their logs, and change nothing.

What is pending or parked is left out on both sides. A lead is folded as far as its stored state is, so that points
that have faded since are no difference.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from scoring import selectors
from scoring.core import engine
from scoring.core.points import in_words
from scoring.core.timeline import Timeline
from scoring.log import logs_of
from scoring.models import LeadScore
from scoring.services import projection
from scoring.services.projection import Projection
from scoring.timelines import timeline_of

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Something stored of a lead that is not what its log says, in words."""

    lead_id: UUID
    what: str


def verify_leads(project_id: UUID, lead_ids: Sequence[UUID]) -> list[Discrepancy]:
    """Return how what is stored of these leads of a project differs from a fresh fold; nothing when it does not."""
    timeline = timeline_of(project_id)
    logs = logs_of(lead_ids)
    standings = selectors.standings_of(lead_ids)
    scores: dict[UUID, dict[str, tuple[Any, str]]] = defaultdict(dict)
    for lead_id, card, score, stage in LeadScore.objects.filter(lead__in=lead_ids).values_list(
        "lead", "scorecard", "score", "stage"
    ):
        scores[lead_id][card] = (score, stage)
    ledgers = projection.stored_ledgers(lead_ids)
    found: list[Discrepancy] = []
    for lead_id in lead_ids:
        standing = standings.get(lead_id)
        fresh = projection.rebuild(project_id, lead_id, timeline, logs[lead_id], now=_folded_to(timeline, standing))
        found += [
            Discrepancy(lead_id=lead_id, what=what)
            for what in (
                *_scores(fresh, scores[lead_id]),
                *_entries(fresh, ledgers.get(lead_id, {})),
                *_state(timeline, fresh, standing),
            )
        ]
    return found


def _folded_to(timeline: Timeline, standing: selectors.Standing | None) -> datetime:
    """Return the moment up to which a stored state is folded."""
    place = None if standing is None else engine.position(engine.load_state(timeline, standing.state))
    return BEFORE_ALL if place is None else place[0]


def _scores(fresh: Projection, stored: dict[str, tuple[Any, str]]) -> Iterator[str]:
    for name, card in fresh.state.cards.items():
        if name not in stored:
            yield f"{name}: no score is stored"
        elif stored[name] != (card.score, card.stage):
            score, stage = stored[name]
            yield (
                f"{name}: stored {in_words(score)} ({stage}), but the log gives {in_words(card.score)} ({card.stage})"
            )
    for name in stored.keys() - fresh.state.cards.keys():
        yield f"{name}: a score is stored of a scorecard that the rules do not have"


def _entries(fresh: Projection, stored: projection.Ledgers) -> Iterator[str]:
    new, stale = projection.difference(stored, fresh.entries)
    if new or stale:
        at = min((entry.occurred_at for entry in new), default=None)
        since = "" if at is None else f" from {at:%Y-%m-%d %H:%M:%S} on"
        yield f"the ledger differs{since}: {len(stale):,} stored entries are wrong, {len(new):,} are missing"


def _state(timeline: Timeline, fresh: Projection, standing: selectors.Standing | None) -> Iterator[str]:
    if standing is None:
        if fresh.folded:
            yield "no state is stored"
        return
    if engine.load_state(timeline, standing.state).cards != fresh.state.cards:
        yield "the stored state would score the next event otherwise than the log does"
    if standing.last_event_at != fresh.last_event_at:
        yield "the time of the last event differs"
