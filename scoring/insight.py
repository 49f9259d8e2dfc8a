"""What can be said of one lead beyond its score: why it is what it is, what it means, and what it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from ingest.models import Lead
from ingest.pages import Page, page_of_rows
from scoring import selectors
from scoring.core.explain import Explanation, explain
from scoring.core.intelligence import Intelligence, assess
from scoring.core.timeline import Timeline
from scoring.models import ScoreEntry
from scoring.past import LeadThen, Moment, entries_then, lead_then, view_now, view_then
from scoring.selectors import LeadView
from scoring.timelines import timeline_of


def intelligence_of(view: LeadView, *, now: datetime, timeline: Timeline | None = None) -> Intelligence:
    """Return what a lead's recent activity says about it and what to do next, as of now."""
    card = (timeline or timeline_of(view.lead.project_id)).latest.primary
    week = timedelta(days=7)
    sums = ScoreEntry.objects.filter(
        lead=view.lead, scorecard=card.name, occurred_at__gt=now - 2 * week, occurred_at__lte=now
    ).aggregate(
        this_week=Sum("delta", filter=Q(occurred_at__gt=now - week)),
        last_week=Sum("delta", filter=Q(occurred_at__lte=now - week)),
    )
    return assess(
        now=now,
        score=view.score,
        stage=view.stage,
        stages=card.stages.names,
        event_times_last_24h=view.events_last_24h,
        last_event_at=view.last_event_at,
        points_this_week=sums["this_week"] or Decimal(0),
        points_last_week=sums["last_week"] or Decimal(0),
    )


def explanation_of(
    lead: Lead, moment: Moment, *, scorecard: str | None = None, timeline: Timeline | None = None
) -> Explanation:
    """Return the contributions that a lead's score on one scorecard (the primary one) is the sum of, at a moment."""
    return explanation_then(lead_then(lead, moment, timeline=timeline), scorecard=scorecard)


def explanation_then(then: LeadThen, *, scorecard: str | None = None) -> Explanation:
    """Return the contributions that a lead's score was the sum of then."""
    return explain(
        then.entries,
        now=then.time,
        timeline=then.timeline,
        state=then.state,
        scorecard=scorecard,
        notes=then.notes,
    )


def view_of(lead: Lead, moment: Moment) -> LeadView:
    """Return how a lead stands at a moment."""
    return view_now(lead, now=moment.now) if moment.is_now else view_then(lead_then(lead, moment))


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """A line of the score ledger, and what was said of it where it is an adjustment."""

    entry: ScoreEntry
    adjustment: Mapping[str, Any] | None


def history_of(
    lead: Lead,
    moment: Moment,
    *,
    scorecard: str | None = None,
    newest_first: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[HistoryLine]:
    """Return a page of a lead's ledger on one scorecard (the primary one), as it is or was at a moment."""
    if moment.is_now:
        page = selectors.history_page(lead, scorecard=scorecard, newest_first=newest_first, cursor=cursor, limit=limit)
    else:
        page = ledger_page(lead_then(lead, moment), scorecard, newest_first=newest_first, cursor=cursor, limit=limit)
    said = selectors.adjustments_of(page.rows)
    return page.map(lambda entry: HistoryLine(entry=entry, adjustment=said.get(entry.event_id)))


def ledger_page(
    then: LeadThen, scorecard: str | None, *, newest_first: bool, cursor: str | None, limit: int
) -> Page[ScoreEntry]:
    """Return a page of the ledger as it was then; raises `CursorInvalid`."""
    entries = entries_then(then, scorecard=scorecard)
    return page_of_rows(entries, key="sequence", newest_first=newest_first, cursor=cursor, limit=limit)
