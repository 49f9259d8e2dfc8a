"""Adjust a lead's score by hand. It is an event like any other, so it survives every rescore."""

from dataclasses import dataclass
from datetime import datetime

from ingest.core.adjustments import Adjustment, Author
from ingest.core.events import Refused
from ingest.models import Lead
from ingest.services.adjustments import IdTaken, record_adjustment
from ingest.services.events import Recorded
from scoring.timelines import timeline_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardUnknown:
    """Refused: the rules in force have no such scorecard, but these."""

    known: tuple[str, ...]


def adjust(
    lead: Lead, adjustment: Adjustment, *, author: Author, now: datetime
) -> Recorded | Refused | ScorecardUnknown | IdTaken:
    """Give or take points of a lead; they count as soon as its queue gets to them."""
    ruleset = timeline_of(lead.project_id).at(now)
    if adjustment.scorecard is not None and adjustment.scorecard not in ruleset.by_name:
        return ScorecardUnknown(known=tuple(ruleset.by_name))
    return record_adjustment(lead.project_id, lead.pk, adjustment, author=author, now=now)
