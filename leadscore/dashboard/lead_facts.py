"""Everything the page of one lead shows."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from automation import selectors as automation
from ingest import selectors as ingest
from ingest.models import Lead
from leadscore.dashboard import queries
from leadscore.dashboard.charts import score_chart
from leadscore.dashboard.values import standing_at
from scoring import selectors as scoring
from scoring.insight import intelligence_of

ENTRIES_A_PAGE = 25
RUNS_SHOWN = 10


def lead_facts(lead: Lead, *, scorecard: str | None, cursor: str | None, now: datetime) -> dict[str, Any]:
    """Return the page's context: one scorecard's standing, chart and history, and who the lead is.

    `scorecard`: the primary one unless named. `cursor`: a page of the history, newest first; raises `CursorInvalid`.
    """
    scale = queries.scale_of(lead.project_id, scorecard=scorecard)
    view = scoring.lead_view(lead, now=now)
    scores = {score.scorecard: score for score in scoring.card_scores(lead.pk)}
    shown = scores.get(scale.scorecard)
    history = scoring.history_page(
        lead, scorecard=scale.scorecard, newest_first=True, cursor=cursor, limit=ENTRIES_A_PAGE
    )
    steps = queries.score_steps(lead, scale=scale)
    chosen = {"scorecard": scale.scorecard} if scorecard else {}
    return {
        "lead": lead,
        "last_event_at": view.last_event_at,
        "scale": scale,
        "standing": standing_at(
            shown.score if shown else view.score, shown.stage if shown else view.stage, scale=scale
        ),
        "cards": list(scores.values()),
        "chart": score_chart(
            [(at, new) for at, _, new in steps],
            scale=scale,
            opening=steps[0][1] if steps else Decimal(0),
            now=now.replace(second=0, microsecond=0),
        ),
        "entries": [queries.entry_row(entry, scale=scale) for entry in history.rows],
        "entry_total": queries.entry_count(lead, scale=scale),
        "place": urlencode({**chosen, "cursor": cursor} if cursor else chosen),
        "older": urlencode({**chosen, "cursor": history.next}) if history.next else None,
        "newer": urlencode({**chosen, "cursor": history.previous}) if history.previous else None,
        "pending": len(queries.pending_since(lead)),
        "identifiers": ingest.identifiers_of(lead.pk),
        "runs": automation.runs_of_lead(lead.project_id, lead.pk, limit=RUNS_SHOWN),
        "intelligence": intelligence_of(view, now=now),
    }
