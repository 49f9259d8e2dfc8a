"""What a lead's figures mean for sales: how lively it is, how much at risk, and what to do next.

Everything is computed from figures read at one moment, so nothing here can be stale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from scoring.core.points import in_words

Level = Literal["high", "medium", "low"]
Rank = Literal["qualified", "hot", "warm", "other"]

DEFAULT_STAGES = ("cold", "warm", "hot", "qualified")
VELOCITY_PER_EVENT = 3
HIGH_VELOCITY, MEDIUM_VELOCITY = 9, 6
IDLE_LONG, IDLE = timedelta(days=7), timedelta(days=3)

ADVICE: dict[str, tuple[str, ...]] = {
    "immediate_outreach": ("Call today: this lead is qualified and active.", "Have an offer ready."),
    "win_back": (
        "Ask what changed: this lead was qualified and has gone quiet.",
        "Offer a fresh conversation.",
    ),
    "prioritize_contact": ("Put this lead at the top of today's list.", "Refer to what it looked at last."),
    "schedule_demo": ("Offer a demo with two dates to choose from.",),
    "re_engage": (
        "Send something new: this lead has gone quiet.",
        "Take it off the list if it does not answer.",
    ),
    "send_content": ("Send material on what this lead is reading about.",),
    "nurture_campaign": ("Add this lead to a nurture campaign.",),
    "monitor": ("Nothing to do now; wait for the next sign of interest.",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """This week's points against last week's."""

    direction: Literal["up", "down", "steady"]
    delta: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Intelligence:
    """What a lead's figures mean, and the figures they were read from as reasons in words."""

    velocity: int
    velocity_level: Level
    risk: Level
    trend: Trend
    next_action: str
    recommendations: tuple[str, ...]
    reasons: tuple[str, ...]


def assess(
    *,
    now: datetime,
    score: Decimal,
    stage: str,
    event_times_last_24h: int,
    last_event_at: datetime | None,
    points_this_week: Decimal,
    points_last_week: Decimal,
    stages: Sequence[str] = DEFAULT_STAGES,
) -> Intelligence:
    """Return what a lead's figures mean at `now`; `stages` are the project's stages from the lowest up."""
    velocity = event_times_last_24h * VELOCITY_PER_EVENT
    idle = None if last_event_at is None else max(now - last_event_at, timedelta(0))
    risk = _risk(idle)
    change = points_this_week - points_last_week
    direction: Literal["up", "down", "steady"] = "up" if change > 0 else "down" if change < 0 else "steady"
    action = _action(_rank(stage, stages), risk=risk, velocity=velocity, score=score)
    return Intelligence(
        velocity=velocity,
        velocity_level=_velocity_level(velocity),
        risk=risk,
        trend=Trend(direction=direction, delta=change),
        next_action=action,
        recommendations=ADVICE[action],
        reasons=(
            f"in stage {stage} with a score of {in_words(score)}",
            f"{_count(event_times_last_24h, 'event')} in the last 24 hours",
            "never active" if idle is None else f"last active {_ago(idle)}",
            f"{in_words(points_this_week)} points this week after {in_words(points_last_week)} last week",
        ),
    )


def _rank(stage: str, stages: Sequence[str]) -> Rank:
    """Return the default stage that a project's stage stands for.

    The default names mean themselves. Other stages count from the top: the highest is qualified, the next
    hot, the next warm; the lowest stands for no interest yet, so three stages have no warm and two no hot.
    """
    if stage in {"qualified", "hot", "warm"}:
        return stage  # type: ignore[return-value]
    names: tuple[Rank, ...] = ("qualified", "hot", "warm")
    above_lowest = list(reversed(stages[1:]))
    if stage not in above_lowest:
        return "other"
    place = above_lowest.index(stage)
    return names[place] if place < len(names) else "other"


def _action(rank: Rank, *, risk: Level, velocity: int, score: Decimal) -> str:
    """Return the first action whose condition holds."""
    rules = (
        (rank == "qualified" and risk == "low", "immediate_outreach"),
        (rank == "qualified", "win_back"),
        (rank == "hot" and velocity > 6, "prioritize_contact"),
        (rank == "hot", "schedule_demo"),
        (risk == "high" and score > 0, "re_engage"),
        (rank == "warm" and velocity > 3, "send_content"),
        (rank == "warm", "nurture_campaign"),
    )
    return next((action for holds, action in rules if holds), "monitor")


def _velocity_level(velocity: int) -> Level:
    return "high" if velocity >= HIGH_VELOCITY else "medium" if velocity >= MEDIUM_VELOCITY else "low"


def _risk(idle: timedelta | None) -> Level:
    if idle is None or idle > IDLE_LONG:
        return "high"
    return "medium" if idle > IDLE else "low"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _ago(idle: timedelta) -> str:
    if idle.days:
        return f"{_count(idle.days, 'day')} ago"
    hours = idle.seconds // 3600
    return f"{_count(hours, 'hour')} ago" if hours else "within the last hour"
