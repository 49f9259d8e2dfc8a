"""Caps and groups: the first events in order count, later ones are refused with a reason."""

from typing import Any

from scoring.core.caps import MAX_VALUES
from scoring.core.engine import dump_state
from tests.scoring.core.build import event, make_timeline, run, scores

VIEW: dict[str, Any] = {"event": "view", "points": 10}


def reasons(rule: dict[str, Any], *days: float, time_zone: str = "UTC") -> list[str | None]:
    folded = run(make_timeline(VIEW | rule, time_zone=time_zone), *(event(day) for day in days))
    return [entry.rules[0].refused for entry in folded.entries]


def test_a_rule_counts_so_many_times_for_a_lead() -> None:
    assert reasons({"cap": {"times": 2}}, 0, 1, 2) == [None, None, "already counted twice for this lead"]


def test_a_daily_cap_starts_again_at_midnight() -> None:
    assert reasons({"cap": {"per": "day"}}, 0, 0.4, 0.5) == [
        None,
        "already counted once on 5 January 2026",
        None,
    ]


def test_a_day_is_a_day_of_the_projects_time_zone() -> None:
    assert reasons({"cap": {"per": "day"}}, 0.4, 0.5, time_zone="America/New_York") == [
        None,
        "already counted once on 5 January 2026",
    ]


def test_a_weekly_cap_follows_iso_weeks() -> None:
    assert reasons({"cap": {"per": "week"}}, -1, 0, 6, 7) == [
        None,
        None,
        "already counted once in the week of 5 January 2026",
        None,
    ]


def test_a_monthly_cap_follows_calendar_months() -> None:
    assert reasons({"cap": {"per": "month"}}, 0, 26, 27) == [
        None,
        "already counted once in January 2026",
        None,
    ]


def test_each_value_of_a_field_counts_for_itself() -> None:
    timeline = make_timeline(VIEW | {"cap": {"distinct": "properties.mail"}})
    mails: list[Any] = ["a", "b", "a", 1, 1.0, None, None]

    folded = run(timeline, *(event(day, properties={"mail": mail}) for day, mail in enumerate(mails)))

    assert scores(folded) == [10, 20, 20, 30, 30, 40, 40]


def test_what_a_state_remembers_of_values_is_bounded() -> None:
    timeline = make_timeline(VIEW | {"cap": {"distinct": "properties.mail"}})
    mails = (f"{day:05d}" + "x" * 4_000 for day in range(MAX_VALUES + 1))

    folded = run(timeline, *(event(day / 100, properties={"mail": mail}) for day, mail in enumerate(mails)))

    assert folded.entries[-1].rules[0].refused == (
        "already counted 1,000 different values of properties.mail for this lead"
    )
    assert len(str(dump_state(folded.state))) < 50_000


def test_points_that_expire_make_room_in_their_group() -> None:
    timeline = make_timeline(VIEW | {"group": "Web", "expires_after_days": 2}, groups=[{"name": "Web", "max": 15}])

    assert scores(run(timeline, event(0), event(1), event(1.5), event(2.5))) == [10, 15, 15, 5, 15]
