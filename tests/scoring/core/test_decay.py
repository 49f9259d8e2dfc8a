"""Points that leave on their day, and scores that fade by half-life."""

from datetime import timedelta
from decimal import Decimal

import pytest

from scoring.core.engine import fold, next_change_at
from scoring.core.ruleset import RulesetInvalid, parse_ruleset
from scoring.core.timeline import Timeline
from tests.scoring.core.build import at, event, make_ruleset, make_timeline, run, scores

VIEW = {"event": "view", "points": 10}
DEMO = {"event": "demo", "points": 100}


def test_points_leave_exactly_on_their_day() -> None:
    timeline = make_timeline(VIEW | {"expires_after_days": 90})
    state = run(timeline, event(0)).state

    assert next_change_at(timeline, state) == at(90)
    assert fold(timeline, state, [], until=at(90) - timedelta(microseconds=1)).entries == []
    gone = fold(timeline, state, [], until=at(90)).entries[0]
    assert (str(gone.kind), gone.occurred_at, float(gone.delta), gone.rules[0].name) == (
        "decay",
        at(90),
        -10,
        "Rule 1",
    )


def test_an_event_at_the_moment_of_an_expiry_comes_after_it() -> None:
    folded = run(make_timeline(VIEW | {"expires_after_days": 1}), event(0), event(1))

    assert [(str(entry.kind), float(entry.new_score)) for entry in folded.entries] == [
        ("event", 10),
        ("decay", 0),
        ("event", 10),
    ]


def test_only_the_points_that_counted_leave() -> None:
    timeline = make_timeline(VIEW | {"expires_after_days": 9}, {"event": "x", "points": 13}, cap=15)

    assert scores(run(timeline, event(0, "x"), event(1), until=at(20))) == [13, 15, 13]


def test_an_expiry_never_takes_a_score_below_its_floor() -> None:
    timeline = make_timeline(VIEW | {"expires_after_days": 9}, {"event": "minus", "points": -7})

    assert scores(run(timeline, event(0), event(1, "minus"), until=at(20))) == [10, 3, 0]


def test_an_expiry_gives_back_what_was_taken_for_a_time() -> None:
    timeline = make_timeline(VIEW, {"event": "minus", "points": -4, "expires_after_days": 2})

    assert scores(run(timeline, event(0), event(1, "minus"), until=at(3))) == [10, 6, 10]


def test_a_score_halves_in_its_half_life_through_every_whole_number() -> None:
    folded = run(make_timeline(DEMO, half_life_days=30), event(0, "demo"), until=at(30))

    assert scores(folded) == list(range(100, 49, -1))
    assert folded.entries[-1].occurred_at == at(30)


def test_a_score_fades_to_nothing_when_it_is_under_a_half() -> None:
    timeline = make_timeline(DEMO | {"points": 2}, half_life_days=1)
    folded = run(timeline, event(0, "demo"), until=at(50))

    assert [(float(entry.new_score), entry.occurred_at) for entry in folded.entries] == [
        (2, at(0)),
        (1, at(1)),
        (0, at(2)),
    ]
    assert next_change_at(timeline, folded.state) is None


def test_a_score_below_one_lasts_for_one_half_life() -> None:
    folded = run(make_timeline(DEMO | {"points": 0.3}, half_life_days=4), event(0, "demo"), until=at(50))

    assert [(float(entry.new_score), entry.occurred_at) for entry in folded.entries] == [
        (0.3, at(0)),
        (0, at(4)),
    ]


def test_an_event_adds_to_the_exact_faded_score() -> None:
    folded = run(make_timeline(DEMO, half_life_days=10), event(0, "demo"), event(5, "demo"))

    before, last = folded.entries[-2:]
    assert (str(before.kind), float(before.new_score), before.occurred_at) == ("decay", 70.71, at(5))
    assert (str(last.kind), float(last.delta), float(last.new_score)) == ("event", 100, 170.71)


def test_a_score_that_is_looked_at_every_minute_fades_as_fast_as_any_other() -> None:
    timeline = make_timeline(DEMO, {"event": "ping", "points": 0}, half_life_days=10)
    pings = [event(minute / 1440, "ping") for minute in range(1, 14_400)]

    busy = run(timeline, event(0, "demo"), *pings, until=at(10)).state
    quiet = run(timeline, event(0, "demo"), until=at(10)).state

    assert abs(busy.cards["Engagement"].score - quiet.cards["Engagement"].score) <= Decimal("0.01")


def test_fading_stops_at_a_floor_above_zero() -> None:
    folded = run(make_timeline(DEMO, half_life_days=1, floor=30.5), event(0, "demo"), until=at(99))

    assert scores(folded)[-2:] == [31, 30.5]


def test_a_score_below_zero_fades_upward() -> None:
    folded = run(
        make_timeline(DEMO | {"points": -4}, half_life_days=1, floor=-50, stages=[{"name": "all", "min": -50}]),
        event(0, "demo"),
        until=at(99),
    )

    assert scores(folded) == [-4, -3, -2, -1, 0]


def test_what_expires_has_faded_with_the_score() -> None:
    folded = run(make_timeline(DEMO | {"expires_after_days": 10}, half_life_days=10), event(0, "demo"), until=at(10))

    assert folded.entries[-1].rules[0].points == -50
    assert folded.entries[-1].new_score == 0


def test_a_large_score_fades_in_larger_steps() -> None:
    folded = run(
        make_timeline(DEMO | {"points": 20_000}, half_life_days=10, cap=50_000),
        event(0, "demo"),
        until=at(10),
    )

    assert scores(folded)[:3] == [20_000, 19_990, 19_980]
    assert folded.state.cards["Engagement"].score == 10_000


def test_a_new_version_applies_from_the_first_happening_after_its_time() -> None:
    first = make_ruleset(VIEW, number=1)
    second = make_ruleset(VIEW | {"points": 3}, number=2, cap=11)
    timeline = Timeline.build([(None, first), (at(2), second)])

    folded = run(timeline, event(0), event(1), event(2))

    assert [(str(e.kind), float(e.new_score), e.ruleset_version) for e in folded.entries] == [
        ("event", 10, 1),
        ("event", 20, 1),
        ("decay", 11, 2),
        ("event", 11, 2),
    ]


def test_a_scorecard_that_a_version_leaves_out_stands_still_until_it_is_back() -> None:
    first = make_ruleset(VIEW | {"expires_after_days": 2}, number=1)
    other = make_ruleset(VIEW, number=2, name="Other")
    back = make_ruleset(VIEW, number=3)
    timeline = Timeline.build([(None, first), (at(1), other), (at(5), back)])

    folded = run(timeline, event(0), event(3), until=at(9))

    mine = [entry for entry in folded.entries if entry.scorecard == "Engagement"]
    assert [(float(entry.new_score), entry.occurred_at) for entry in mine] == [(10, at(0)), (0, at(5))]


def test_a_half_life_must_not_be_absurdly_short() -> None:
    with pytest.raises(RulesetInvalid) as invalid:
        parse_ruleset({"scorecards": [{"name": "A", "half_life_days": 0.0001}]})

    assert invalid.value.errors == [("/scorecards/0/half_life_days", "must be at least 0.01")]
