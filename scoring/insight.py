"""What can be said of one lead beyond its score: why it is what it is, what it means, and what it was."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from ingest.models import Lead
from scoring.core import engine
from scoring.core.explain import Explanation, explain
from scoring.core.intelligence import Intelligence, assess
from scoring.core.timeline import Timeline
from scoring.log import countable_log, scorable
from scoring.models import ScoreEntry
from scoring.selectors import LeadView, primary_scorecard
from scoring.timelines import timeline_of


def intelligence_of(view: LeadView, *, now: datetime) -> Intelligence:
    """Return what a lead's recent activity says about it and what to do next, as of now."""
    card = primary_scorecard(view.lead.project_id)
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


def explanation_of(lead: Lead, *, as_of: datetime) -> Explanation:
    """Return the contributions that a lead's score is the sum of, at a point in time."""
    timeline = timeline_of(lead.project_id)
    folded = folded_until(lead, timeline, as_of=as_of)
    return explain(folded.entries, now=as_of, timeline=timeline, state=folded.state)


def folded_until(lead: Lead, timeline: Timeline, *, as_of: datetime) -> engine.Folded:
    """Return a lead's scores and ledger as they were at a point in time, folded from its log."""
    events = [scorable(row) for row in countable_log([lead.pk])]
    return engine.fold(timeline, engine.initial_state(timeline), events, until=as_of)
