"""How many events a process folds a second: simple ones, and ones with caps, groups, expiry and fading.

Run as `python -m bench.fold`; prints events per second of CPU time and the ratio to the simple case.
"""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from scoring.core.defaults import DEFAULT_RULESET
from scoring.core.engine import ScorableEvent, fold, initial_state
from scoring.core.ruleset import compile_ruleset, parse_ruleset
from scoring.core.timeline import Timeline

LEADS = 1_000
EVENTS = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = (
    "page_view",
    "page_view",
    "page_view",
    "email_open",
    "download",
    "demo_request",
    "unsubscribe",
    "other",
)


def make_events(*, seed: int) -> list[list[ScorableEvent]]:
    """Return the events of every lead, in the order of time."""
    rng = random.Random(seed)
    return [
        [
            ScorableEvent(
                key=f"{lead}-{index}",
                event_id=f"{index:05d}",
                event_type=rng.choice(TYPES),
                occurred_at=START + timedelta(hours=7 * index, seconds=lead),
                properties={
                    "path": rng.choice(["/", "/pricing", "/docs/start"]),
                    "amount": rng.randrange(100),
                },
            )
            for index in range(EVENTS)
        ]
        for lead in range(LEADS)
    ]


def measure(timeline: Timeline, leads: Sequence[list[ScorableEvent]]) -> float:
    """Return events per second of CPU time, the best of five rounds."""
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for events in leads:
            fold(timeline, initial_state(timeline), events)
        best = min(best, time.process_time() - begun)
    return sum(map(len, leads)) / best


def timeline_of(tree: dict[str, Any]) -> Timeline:
    """Return a timeline of one version."""
    return Timeline.build([(None, compile_ruleset(parse_ruleset(tree), number=1, time_zone="UTC"))])


def main() -> None:
    """Print the figures."""
    leads = make_events(seed=1)
    rule: dict[str, Any] = {"name": "View", "event": "page_view", "points": 5}
    pricing = {"all": [{"field": "properties.path", "op": "starts_with", "value": "/pricing"}]}
    cases = {
        "default rules": Timeline.build([(None, compile_ruleset(DEFAULT_RULESET, number=1, time_zone="UTC"))]),
        "a condition": timeline_of({"scorecards": [{"name": "E", "rules": [rule | {"when": pricing}]}]}),
        "a daily cap": timeline_of({"scorecards": [{"name": "E", "rules": [rule | {"cap": {"per": "day"}}]}]}),
        "expiry": timeline_of({"scorecards": [{"name": "E", "rules": [rule | {"expires_after_days": 2}]}]}),
        "half-life": timeline_of({"scorecards": [{"name": "E", "half_life_days": 7, "rules": [rule]}]}),
    }
    simple = 0.0
    for name, timeline in cases.items():
        rate = measure(timeline, leads)
        simple = simple or rate
        print(f"{name:15} {rate:10,.0f} events/s {rate / simple:6.2f}")


if __name__ == "__main__":
    main()
