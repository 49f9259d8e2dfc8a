"""Everything the page of one lead shows."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from automation import selectors as automation
from automation.selectors import RunLine
from ingest import visits
from ingest.models import Lead
from ingest.selectors import members_of
from leadscore.dashboard import moments, queries
from leadscore.dashboard.charts import score_chart
from leadscore.dashboard.merge_facts import who_is_who
from leadscore.dashboard.values import standing_at
from scoring import selectors as scoring
from scoring.core.timeline import Timeline
from scoring.insight import intelligence_of

RUNS_SHOWN = 10
EXCLUDED_SHOWN = 10


def lead_facts(
    lead: Lead,
    *,
    timeline: Timeline,
    scorecard: str | None,
    cursor: str | None,
    at: datetime | None = None,
    now: datetime,
) -> dict[str, Any]:
    """Return the page's context: one scorecard's standing, chart and history, and who the lead is.

    `scorecard`: the primary one unless named. `cursor`: a page of the history, newest first; raises `CursorInvalid`.
    `at`: as it was then, which the chart marks; who the lead is, is told as of today.
    """
    scale = queries.scale_in(timeline, scorecard=scorecard)
    found = moments.seen(lead, timeline=timeline, scale=scale, cursor=cursor, at=at, now=now)
    view, history = found.view, found.history
    said = scoring.adjustments_of(history.rows)
    steps = queries.score_steps(lead, scale=scale)
    chosen = {"scorecard": scale.scorecard} if scorecard else {}
    place = chosen | ({"at": str(int(at.timestamp()))} if at else {})
    members = members_of(lead.pk)
    first_touch, last_touch = visits.touches_of(members)
    return {
        "first_touch": first_touch.words,
        "last_touch": last_touch.words if last_touch != first_touch else "",
        "lead": lead,
        "at": at,
        "slider": moments.slider(queries.first_step_at(lead, steps, scale=scale), at=at, now=now),
        "now_place": urlencode(chosen),
        "last_event_at": view.last_event_at,
        "scale": scale,
        "standing": standing_at(found.score, found.stage, scale=scale),
        "cards": view.cards,
        "grade": view.grade,
        "chart": score_chart(
            [(moved_at, new) for moved_at, _, new in steps],
            scale=scale,
            opening=steps[0][1] if steps else Decimal(0),
            now=now.replace(second=0, microsecond=0),
            marker=at,
        ),
        "why": found.why,
        "next": found.next,
        "entries": [queries.entry_row(entry, scale=scale, said=said.get(entry.event_id)) for entry in history.rows],
        "entry_total": found.entry_total,
        "place": urlencode({**place, "cursor": cursor} if cursor else place),
        "older": urlencode({**place, "cursor": history.next}) if history.next else None,
        "newer": urlencode({**place, "cursor": history.previous}) if history.previous else None,
        "pending": 0 if at else len(queries.pending_since(lead)),
        "excluded": () if at else queries.excluded_events(lead, limit=EXCLUDED_SHOWN),
        **who_is_who(lead, members),
        "runs": [run for run in _runs(lead) if at is None or run.occurred_at <= at],
        "intelligence": intelligence_of(view, now=at or now, timeline=timeline),
    }


def _runs(lead: Lead) -> list[RunLine]:
    return automation.runs_of_lead(lead.project_id, lead.pk, limit=RUNS_SHOWN)
