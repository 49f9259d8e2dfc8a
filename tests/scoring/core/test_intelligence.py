"""Velocity, risk, trend and the next action."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from scoring.core.intelligence import Intelligence, assess
from tests.scoring.core.build import at

FIGURES: dict[str, Any] = {
    "now": at(0),
    "score": Decimal(60),
    "stage": "hot",
    "event_times_last_24h": 1,
    "last_event_at": at(-1),
    "points_this_week": Decimal(10),
    "points_last_week": Decimal(4),
}


def assess_lead(**changes: Any) -> Intelligence:
    return assess(**(FIGURES | changes))


@pytest.mark.parametrize(("events", "velocity", "level"), [(1, 3, "low"), (2, 6, "medium"), (3, 9, "high")])
def test_velocity_is_three_for_every_event_of_the_last_day(events: int, velocity: int, level: str) -> None:
    found = assess_lead(event_times_last_24h=events)

    assert (found.velocity, found.velocity_level) == (velocity, level)


@pytest.mark.parametrize(
    ("idle", "risk"),
    [(timedelta(days=3), "low"), (timedelta(days=3, seconds=1), "medium"), (timedelta(days=8), "high")],
)
def test_risk_grows_with_idle_days(idle: timedelta, risk: str) -> None:
    assert assess_lead(last_event_at=at(0) - idle).risk == risk


def test_a_lead_that_was_never_active_is_at_high_risk() -> None:
    assert assess_lead(last_event_at=None).risk == "high"


@pytest.mark.parametrize(("last", "direction", "delta"), [(4, "up", 6), (10, "steady", 0), (15, "down", -5)])
def test_the_trend_compares_two_weeks(last: int, direction: str, delta: int) -> None:
    trend = assess_lead(points_last_week=Decimal(last)).trend

    assert (trend.direction, trend.delta) == (direction, Decimal(delta))


@pytest.mark.parametrize(
    ("figures", "action"),
    [
        ({"stage": "qualified"}, "immediate_outreach"),
        ({"stage": "qualified", "last_event_at": at(-4)}, "win_back"),
        ({"stage": "hot", "event_times_last_24h": 3}, "prioritize_contact"),
        ({"stage": "hot", "event_times_last_24h": 2}, "schedule_demo"),
        ({"stage": "warm", "last_event_at": at(-8)}, "re_engage"),
        ({"stage": "warm", "event_times_last_24h": 2}, "send_content"),
        ({"stage": "warm"}, "nurture_campaign"),
        ({"stage": "cold"}, "monitor"),
        ({"stage": "cold", "score": Decimal(0), "last_event_at": None}, "monitor"),
    ],
)
def test_the_next_action_is_the_first_that_holds(figures: dict[str, Any], action: str) -> None:
    assert assess_lead(**figures).next_action == action


def test_stages_of_other_names_count_from_the_top() -> None:
    stages = ["Neu", "Interessiert", "Heiß", "Kunde"]

    assert assess_lead(stage="Kunde", stages=stages).next_action == "immediate_outreach"
    assert assess_lead(stage="Interessiert", stages=stages).next_action == "nurture_campaign"
    assert assess_lead(stage="Neu", stages=stages).next_action == "monitor"
