"""Everything the page of one lead shows."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from ingest import selectors as ingest
from ingest.models import Lead
from leadscore.dashboard import queries
from leadscore.dashboard.charts import score_chart

ENTRIES_A_PAGE = 25
RUNS_SHOWN = 10


def lead_facts(lead: Lead, *, scorecard: str | None, before: int | None, now: datetime) -> dict[str, Any]:
    """Return the page's context: one scorecard's standing, chart and history, and who the lead is.

    `scorecard`: the primary one unless named. `before`: where the history's page begins, newest first.
    """
    scale = queries.scale_of(lead.project_id, scorecard=scorecard)
    scores = queries.scores_of(lead)
    entries = queries.entries_before(lead, before, scale=scale, limit=ENTRIES_A_PAGE + 1)
    shown = entries[:ENTRIES_A_PAGE]
    steps = queries.score_steps(lead, scale=scale)
    card = f"&scorecard={scale.scorecard}" if scorecard else ""
    return {
        "lead": lead,
        "scale": scale,
        "standing": queries.standing_of(scores.get(scale.scorecard), scale=scale),
        "cards": [{"name": name, "score": score.score} for name, score in sorted(scores.items())],
        "chart": score_chart(
            [(at, new) for at, _, new in steps],
            scale=scale,
            opening=steps[0][1] if steps else Decimal(0),
            now=now.replace(second=0, microsecond=0),
        ),
        "entries": shown,
        "entry_total": queries.entry_count(lead, scale=scale),
        "older": f"?before={shown[-1].sequence}{card}" if len(entries) > len(shown) else None,
        "newer": f"?{card}" if before is not None else None,
        "pending": len(queries.pending_since(lead)),
        "last_event_at": queries.last_event_at(lead),
        "identifiers": ingest.identifiers_of(lead.pk),
        "runs": queries.runs_of(lead, limit=RUNS_SHOWN),
        "intelligence": None,
    }
