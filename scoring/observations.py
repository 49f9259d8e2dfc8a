"""Leads as a prediction sees them: what was known of each before its outcome, read a chunk of leads at a time."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Min, Q

from ingest.models import Event
from ingest.selectors import counting, members_of_leads
from scoring.core.decay import fade
from scoring.core.points import to_hundredths
from scoring.core.prediction.collector import Observation
from scoring.core.ruleset import Card
from scoring.models import ScoreEntry

DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How long a lead was watched: from its first event to its outcome, or to now if it has none."""

    start: datetime
    end: datetime
    converted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The leads of a chunk; `left_out` of them had the outcome before anything else. Leads without events are no
    part of it: nothing was seen of them.
    """

    leads: Sequence[Observation]
    left_out: int


def observe(lead_ids: Sequence[UUID], *, card: Card, outcome: str, now: datetime) -> Observed:
    """Return what was known of these leads of a project before their first `outcome` event. Three queries.

    They start from the leads alone: with the project among the conditions SQLite would walk through all of the
    project's log for every chunk.
    """
    spans, left_out = _spans(lead_ids, outcome=outcome, now=now)
    ledgers = _ledgers(list(spans), scorecard=card.name, now=now)
    limited = {rule.name for rule in card.rules if rule.cap is not None}
    seen = {lead_id: _observation(lead_id, spans[lead_id], rows, card, limited) for lead_id, rows in ledgers}
    leads = [seen.get(lead_id) or _observation(lead_id, span, (), card, limited) for lead_id, span in spans.items()]
    return Observed(leads=leads, left_out=left_out)


def _spans(lead_ids: Sequence[UUID], *, outcome: str, now: datetime) -> tuple[dict[UUID, Span], int]:
    homes = members_of_leads(lead_ids)
    rows = (
        counting(Event.objects.all())
        .filter(lead__in=homes, kind=Event.Kind.ACTIVITY, occurred_at__lte=now)
        .order_by()
        .values_list("lead")
        .annotate(
            first=Min("occurred_at", filter=~Q(event_type=outcome)),
            outcome_at=Min("occurred_at", filter=Q(event_type=outcome)),
        )
    )
    moments: dict[UUID, tuple[datetime | None, datetime | None]] = {}
    for lead_id, first, outcome_at in rows:
        earlier = moments.get(homes[lead_id], (None, None))
        moments[homes[lead_id]] = (_earlier(first, earlier[0]), _earlier(outcome_at, earlier[1]))
    spans: dict[UUID, Span] = {}
    left_out = 0
    for lead_id, (first, outcome_at) in moments.items():
        if first is None or (outcome_at is not None and outcome_at <= first):
            left_out += 1
        else:
            spans[lead_id] = Span(start=first, end=outcome_at or now, converted=outcome_at is not None)
    return spans, left_out


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


Row = tuple[UUID, datetime, str, Any, list[dict[str, Any]]]


def _ledgers(lead_ids: Sequence[UUID], *, scorecard: str, now: datetime) -> Iterator[tuple[UUID, Iterator[Row]]]:
    if not lead_ids:
        return
    entries = (
        ScoreEntry.objects.filter(lead__in=lead_ids, scorecard=scorecard, occurred_at__lte=now)
        .order_by("lead", "sequence")
        .values_list("lead", "occurred_at", "kind", "new_score", "rules")
    )
    yield from groupby(entries.iterator(chunk_size=2_000), key=itemgetter(0))


def _observation(lead_id: UUID, span: Span, rows: Iterable[Row], card: Card, limited: AbstractSet[str]) -> Observation:
    """Return what a ledger says up to the end of a span, which itself is no part of it if the outcome ended it.

    A hit that a rule's own limit refused is a hit that did not count. One that only found the score at its floor or
    cap, or its group full, counts: that depends on the other rules.
    """
    score, since = card.start, span.start
    hits: dict[str, int] = {}
    for _, occurred_at, kind, new_score, rules in rows:
        if span.converted and occurred_at >= span.end:
            break
        score, since = to_hundredths(new_score), occurred_at
        if kind == ScoreEntry.Kind.EVENT:
            for rule in rules:
                name = rule["name"]
                counts = name not in limited or "refused" not in rule or rule.get("applied", 0) != 0
                hits[name] = hits.get(name, 0) + counts
    score, _ = fade(score, 0.0, since=since, until=span.end, card=card)
    return Observation(
        key=str(lead_id),
        converted=span.converted,
        score=score,
        hits=hits,
        days=(span.end - span.start).total_seconds() / DAY,
    )
