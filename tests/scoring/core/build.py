"""Short ways to write rulesets, timelines and events in tests of the scoring core."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from scoring.core.engine import Folded, ScorableEvent, fold, initial_state
from scoring.core.ruleset import Ruleset, compile_ruleset, parse_ruleset
from scoring.core.timeline import Timeline

START = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday


def at(days: float = 0) -> datetime:
    """Return the moment so many days after the start."""
    return START + timedelta(days=days)


def make_ruleset(*rules: dict[str, Any], number: int = 1, time_zone: str = "UTC", **card: Any) -> Ruleset:
    """Return a compiled ruleset of one scorecard; rules need only what matters to the test."""
    named = [{"name": f"Rule {index}", "points": 10} | rule for index, rule in enumerate(rules, 1)]
    return compile_ruleset(
        parse_ruleset({"scorecards": [{"name": "Engagement", "rules": named} | card]}),
        number=number,
        time_zone=time_zone,
    )


def make_timeline(*rules: dict[str, Any], **card: Any) -> Timeline:
    """Return a timeline of one version with one scorecard."""
    return Timeline.build([(None, make_ruleset(*rules, **card))])


def event(days: float = 0, event_type: str = "view", event_id: str | None = None, **fields: Any) -> ScorableEvent:
    """Return an event so many days after the start; `points` makes an adjustment of it."""
    name = event_id or f"{event_type}-{days:09.4f}"
    if "points" in fields:
        fields["points"] = Decimal(str(fields["points"]))
        event_type = "adjustment"
    return ScorableEvent(key=f"key-{name}", event_id=name, event_type=event_type, occurred_at=at(days), **fields)


def run(timeline: Timeline, *events: ScorableEvent, until: datetime | None = None) -> Folded:
    """Return the fold of a lead's whole log."""
    return fold(timeline, initial_state(timeline), events, until=until)


def scores(folded: Folded) -> list[float]:
    """Return the score after each entry."""
    return [float(entry.new_score) for entry in folded.entries]
