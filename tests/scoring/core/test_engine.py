"""Events become points, points a score, a score a stage."""

from dataclasses import FrozenInstanceError
from decimal import Decimal
from typing import Any

import pytest

from scoring.core.defaults import DEFAULT_RULESET
from scoring.core.engine import (
    FoldFailed,
    LateEvent,
    dump_state,
    fits,
    fold,
    initial_state,
    load_state,
    next_change_at,
    position,
)
from scoring.core.entry import Entry, write_entry
from scoring.core.ruleset import compile_ruleset, parse_ruleset
from scoring.core.timeline import Timeline
from tests.scoring.core.build import at, event, make_ruleset, make_timeline, run, scores

VIEW = {"event": "view", "points": 10}


def test_default_rules_turn_events_into_points_and_stages() -> None:
    timeline = Timeline.build([(None, compile_ruleset(DEFAULT_RULESET, number=1, time_zone="UTC"))])

    folded = run(timeline, event(0, "page_view"), event(1, "demo_request"), event(2, "pricing_page_visit"))

    assert scores(folded) == [5, 55, 70]
    assert [entry.new_stage for entry in folded.entries] == ["cold", "hot", "hot"]
    assert folded.state.cards["Engagement"].score == Decimal("70.00")


def test_an_entry_names_the_event_the_rule_and_the_version() -> None:
    entry = run(make_timeline(VIEW, number=7), event(0)).entries[0]

    assert (entry.kind, entry.event_type, entry.ruleset_version, entry.sequence) == ("event", "view", 7, 0)
    assert (entry.rules[0].name, entry.rules[0].points, entry.rules[0].refused) == (
        "Rule 1",
        Decimal(10),
        None,
    )


def test_an_event_that_no_rule_matches_has_no_entry_but_moves_the_position() -> None:
    folded = run(make_timeline(VIEW), event(0, "other", "x"))

    assert folded.entries == []
    assert position(folded.state) == (at(0), "x")


def test_events_apply_in_the_order_of_time_and_then_of_their_id() -> None:
    timeline = make_timeline(VIEW, {"event": "minus", "points": -15})
    late, early = event(0, "minus", "b"), event(0, "view", "a")

    assert scores(run(timeline, late, early)) == [10, 0]


def test_the_points_of_several_matching_rules_add_up_to_one_entry() -> None:
    folded = run(make_timeline(VIEW, {"event": "*", "points": 3}, {"event": ["view", "x"], "points": 2}), event(0))

    assert scores(folded) == [15]
    assert [hit.name for hit in folded.entries[0].rules] == ["Rule 1", "Rule 2", "Rule 3"]


def test_a_score_stops_at_its_cap_and_the_entry_says_why() -> None:
    folded = run(make_timeline(VIEW, cap=15), event(0), event(1), event(2))

    assert scores(folded) == [10, 15, 15]
    assert folded.entries[1].rules[0].applied == Decimal(5)
    assert folded.entries[2].delta == 0
    assert folded.entries[2].rules[0].refused == "the score is at its cap of 15"


def test_a_score_stops_at_its_floor_and_the_entry_says_why() -> None:
    folded = run(make_timeline({"event": "view", "points": -20}), event(0))

    assert folded.entries[0].new_score == 0
    assert folded.entries[0].rules[0].refused == "the score is at its floor of 0"


def test_a_floor_above_zero_is_where_a_score_starts() -> None:
    timeline = make_timeline(VIEW, floor=5)

    assert initial_state(timeline).cards["Engagement"].score == 5
    assert run(timeline, event(0)).entries[0].old_score == 5


def test_an_adjustment_adds_its_points_to_the_scorecard_it_names() -> None:
    timeline = make_timeline(VIEW, {"event": "*", "points": 1})

    folded = run(timeline, event(0, points="2.5"), event(1, points=4, scorecard="Engagement"))

    assert scores(folded) == [2.5, 6.5]
    assert [entry.kind for entry in folded.entries] == ["adjustment", "adjustment"]


def test_an_adjustment_of_an_unknown_scorecard_changes_nothing() -> None:
    assert run(make_timeline(VIEW), event(0, points=5, scorecard="Gone")).entries == []


def test_an_event_of_type_adjustment_without_points_is_an_ordinary_event() -> None:
    assert scores(run(make_timeline({"event": "*", "points": 1}), event(0, "adjustment"))) == [1]


def test_a_rule_that_is_switched_off_does_not_count() -> None:
    assert run(make_timeline(VIEW | {"active": False}), event(0)).entries == []


def test_a_rule_counts_from_valid_from_until_just_before_valid_to() -> None:
    rule = VIEW | {"valid_from": at(1).isoformat(), "valid_to": at(2).isoformat()}

    folded = run(make_timeline(rule), event(0.99), event(1), event(1.99), event(2))

    assert [entry.occurred_at for entry in folded.entries] == [at(1), at(1.99)]


def test_folding_does_not_change_the_state_it_starts_from() -> None:
    timeline = make_timeline(VIEW | {"cap": {"times": 2}, "expires_after_days": 3})
    before = run(timeline, event(0)).state
    dumped = dump_state(before)

    fold(timeline, before, [event(1)])

    assert dump_state(before) == dumped


def test_an_event_before_the_position_is_late() -> None:
    timeline = make_timeline(VIEW)
    state = run(timeline, event(1)).state

    with pytest.raises(LateEvent):
        fold(timeline, state, [event(0)])


def test_an_event_before_an_expiry_that_has_been_written_is_late() -> None:
    timeline = make_timeline(VIEW | {"expires_after_days": 2})
    state = run(timeline, event(0), until=at(3)).state

    assert position(state) == (at(2), "")
    with pytest.raises(LateEvent):
        fold(timeline, state, [event(1)])
    assert fold(timeline, state, [event(2)]).state.cards["Engagement"].score == 10


def test_an_event_that_cannot_be_applied_is_named() -> None:
    timeline = make_timeline(VIEW | {"when": {"field": "properties.a", "op": "eq", "value": 1}})
    broken: Any = None

    with pytest.raises(FoldFailed) as failure:
        run(timeline, event(0), event(1, event_id="bad", properties=broken))

    assert (failure.value.event_key, failure.value.event_id) == ("key-bad", "bad")
    assert isinstance(failure.value.__cause__, AttributeError)


def test_until_leaves_out_later_events() -> None:
    assert scores(run(make_timeline(VIEW), event(0), event(1), event(2), until=at(1))) == [10, 20]


def test_nothing_more_happens_to_a_score_that_neither_fades_nor_expires() -> None:
    timeline = make_timeline(VIEW)

    assert next_change_at(timeline, run(timeline, event(0)).state) is None


def test_a_stage_with_hysteresis_is_left_only_well_below_its_beginning() -> None:
    stages = [{"name": "cold", "min": 0}, {"name": "warm", "min": 20, "hysteresis": 5}]
    timeline = make_timeline(VIEW, {"event": "minus", "points": -2}, stages=stages)

    folded = run(timeline, event(0), event(1), *(event(day, "minus") for day in range(2, 6)))

    assert [entry.new_stage for entry in folded.entries] == ["cold", "warm", "warm", "warm", "cold", "cold"]


def test_a_dumped_state_loads_as_it_was() -> None:
    timeline = make_timeline(
        VIEW | {"cap": {"times": 5, "per": "day", "distinct": "properties.path"}, "expires_after_days": 9},
        half_life_days=4,
    )
    state = run(timeline, event(0, properties={"path": "/a"}), event(1.5, properties={"path": "/b"})).state

    assert load_state(timeline, dump_state(state)) == state


def test_a_state_fits_as_long_as_its_past_stands() -> None:
    first, second = make_ruleset(VIEW, number=1), make_ruleset(VIEW, number=2)
    state = run(Timeline.build([(None, first)]), event(1)).state

    assert fits(Timeline.build([(None, first), (at(2), second)]), state)
    assert not fits(Timeline.build([(None, first), (at(1), second)]), state)
    assert not fits(Timeline.build([(None, second)]), state)


def test_a_state_that_forgot_a_trait_does_not_fit_rules_that_ask_for_it() -> None:
    first = make_ruleset(VIEW)
    second = make_ruleset(VIEW | {"when": {"field": "traits.plan", "op": "eq", "value": "pro"}}, number=2)
    state = run(Timeline.build([(None, first)]), event(1)).state

    assert not fits(Timeline.build([(None, first), (at(2), second)]), state)


def test_entries_are_frozen_however_they_are_made() -> None:
    made = run(make_timeline(VIEW), event(0)).entries[0]
    fields = {name: getattr(made, name) for name in Entry.__slots__}

    assert write_entry(**fields) == Entry(**fields) == made
    with pytest.raises(FrozenInstanceError):
        made.delta = Decimal(1)  # type: ignore[misc]


def test_two_events_of_one_moment_both_count() -> None:
    assert scores(run(make_timeline(VIEW), event(0, event_id="a"), event(0, event_id="b"))) == [10, 20]


def test_the_ledger_of_several_scorecards_is_in_the_order_of_time() -> None:
    cards = [
        {"name": "Web", "rules": [{"name": "View", **VIEW, "expires_after_days": 1}]},
        {"name": "Sales", "rules": [{"name": "Demo", "event": "demo", "points": 50}]},
    ]
    timeline = Timeline.build(
        [(None, compile_ruleset(parse_ruleset({"scorecards": cards}), number=1, time_zone="UTC"))]
    )

    folded = run(timeline, event(0), event(1, "demo"), event(2))

    assert [(entry.scorecard, entry.occurred_at) for entry in folded.entries] == [
        ("Web", at(0)),
        ("Web", at(1)),
        ("Sales", at(1)),
        ("Web", at(2)),
    ]
