"""The laws of scoring, over random rulesets, timelines and logs."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scoring.core.engine import (
    Entry,
    Folded,
    LeadState,
    ScorableEvent,
    dump_state,
    fold,
    initial_state,
    load_state,
    next_change_at,
    position,
)
from scoring.core.explain import explain
from scoring.core.points import to_hundredths
from scoring.core.ruleset import Card, dump_ruleset, parse_ruleset
from scoring.core.timeline import Timeline
from tests.properties.rulesets import START, days, logs, moments, timelines, trees

laws = settings(
    max_examples=40,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
END = START + timedelta(days=40)
cuts = st.lists(st.integers(0, 12), max_size=3)


def run(timeline: Timeline, events: list[ScorableEvent], until: datetime | None = None) -> Folded:
    return fold(timeline, initial_state(timeline), events, until=until)


def in_order(event: ScorableEvent) -> tuple[datetime, str]:
    return event.occurred_at, event.event_id


def chains(entries: list[Entry]) -> dict[str, list[Entry]]:
    chained: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        chained[entry.scorecard].append(entry)
    return chained


def card_of(timeline: Timeline, entry: Entry) -> Card:
    ruleset = timeline.by_number(entry.ruleset_version)
    assert ruleset is not None
    return ruleset.by_name[entry.scorecard]


@laws
@given(timelines(), logs(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_state_and_ledger(
    timeline: Timeline, log: list[ScorableEvent], random: Random
) -> None:
    shuffled = log[:]
    random.shuffle(shuffled)

    assert run(timeline, shuffled) == run(timeline, log)


@laws
@given(timelines(), logs(), cuts)
def test_any_batches_in_order_give_the_same_state_and_ledger(
    timeline: Timeline, log: list[ScorableEvent], at: list[int]
) -> None:
    ordered = sorted(log, key=in_order)
    whole = run(timeline, ordered)

    state = initial_state(timeline)
    entries: list[Entry] = []
    for begin, end in zip([0, *sorted(at)], [*sorted(at), len(ordered)], strict=True):
        folded = fold(timeline, load_state(timeline, dump_state(state)), ordered[begin:end])
        state, entries = folded.state, entries + folded.entries

    assert (state, entries) == (whole.state, whole.entries)


@laws
@given(timelines(), logs(), moments, moments)
def test_looking_at_a_score_on_the_way_changes_nothing(
    timeline: Timeline, log: list[ScorableEvent], one: datetime, other: datetime
) -> None:
    early, late = sorted([one, other])
    whole = run(timeline, log, late)

    first = run(timeline, log, early)
    then = fold(timeline, first.state, [event for event in log if event.occurred_at > early], until=late)

    assert (then.state, first.entries + then.entries) == (whole.state, whole.entries)
    assert all(entry.occurred_at <= early for entry in first.entries)


@laws
@given(timelines(), logs(), moments)
def test_the_state_at_a_time_needs_no_event_after_it(
    timeline: Timeline, log: list[ScorableEvent], until: datetime
) -> None:
    known = [event for event in log if event.occurred_at <= until]

    assert run(timeline, log, until) == run(timeline, known, until)


@laws
@given(timelines(), logs(), days)
def test_a_state_survives_being_stored(timeline: Timeline, log: list[ScorableEvent], until: datetime) -> None:
    state = run(timeline, log, until).state

    stored = json.loads(json.dumps(dump_state(state)))

    assert json.dumps(dump_state(load_state(timeline, stored))) == json.dumps(stored)
    loaded = load_state(timeline, stored)
    assert loaded.cards == state.cards
    assert position(loaded) == position(state)


@laws
@given(timelines(), logs())
def test_the_ledger_chains_and_sums_and_ends_at_the_score(timeline: Timeline, log: list[ScorableEvent]) -> None:
    folded = run(timeline, log, END)

    for name, entries in chains(folded.entries).items():
        assert [entry.sequence for entry in entries] == list(range(len(entries)))
        assert all(entry.new_score - entry.old_score == entry.delta for entry in entries)
        for before, after in pairwise(entries):
            assert (before.new_score, before.new_stage) == (after.old_score, after.old_stage)
            assert before.occurred_at <= after.occurred_at
        card = folded.state.cards[name]
        assert (entries[-1].new_score, entries[-1].new_stage) == (card.score, card.stage)
        assert sum(entry.delta for entry in entries) == card.score - entries[0].old_score


@laws
@given(timelines(), logs())
def test_every_entry_keeps_to_floor_cap_and_stages(timeline: Timeline, log: list[ScorableEvent]) -> None:
    for entry in run(timeline, log, END).entries:
        card = card_of(timeline, entry)
        score = to_hundredths(entry.new_score)
        assert card.floor <= score <= card.cap
        assert entry.new_stage == card.stages.stage_of(score, entry.old_stage)
        rank = card.stages.ranks[entry.new_stage]
        assert score >= card.stages.leaves_below[rank] or rank == 0
        assert rank + 1 == len(card.stages.mins) or score < card.stages.mins[rank + 1]


@laws
@given(timelines(), logs())
def test_what_rules_granted_explains_every_delta(timeline: Timeline, log: list[ScorableEvent]) -> None:
    folded = run(timeline, log, END)

    for entries in chains(folded.entries).values():
        for entry in entries:
            card = card_of(timeline, entry)
            inside = card.floor <= to_hundredths(entry.old_score) <= card.cap
            if entry.kind != "adjustment" and entry.rules and inside:
                assert sum(hit.applied for hit in entry.rules) == entry.delta
            for hit in entry.rules:
                assert abs(hit.applied) <= abs(hit.points)
                assert (hit.refused is not None) == (hit.applied != hit.points)


@laws
@given(timelines(), logs())
def test_each_matched_event_has_one_entry_on_a_scorecard(timeline: Timeline, log: list[ScorableEvent]) -> None:
    entries = [entry for entry in run(timeline, log).entries if entry.kind != "decay"]
    seen = [(entry.scorecard, entry.event_key) for entry in entries]

    assert len(seen) == len(set(seen))
    assert {(a.occurred_at, a.event_id) for a in entries} <= {in_order(event) for event in log}


@laws
@given(timelines(), logs())
def test_caps_and_groups_are_never_exceeded(timeline: Timeline, log: list[ScorableEvent]) -> None:
    folded = run(timeline, log)
    alone = timeline.only

    for name, card in folded.state.cards.items():
        ruleset = alone.by_name.get(name) if alone is not None else None
        if ruleset is None:
            continue
        assert all(total <= ruleset.groups[group] for group, total in card.groups.items())
        for rule in ruleset.rules:
            counted = card.counters.get(rule.name)
            if rule.cap is not None and counted is not None:
                most = max(counted.values.values(), default=0) if counted.values is not None else counted.count
                assert most <= rule.cap.times


@laws
@given(timelines(), logs(), moments)
def test_the_next_change_comes_exactly_when_it_was_foretold(
    timeline: Timeline, log: list[ScorableEvent], until: datetime
) -> None:
    state: LeadState = run(timeline, log, until).state
    change = next_change_at(timeline, state)

    if change is None:
        assert fold(timeline, state, [], until=END).entries == []
    else:
        assert fold(timeline, state, [], until=change - timedelta(microseconds=1)).entries == []
        assert fold(timeline, state, [], until=change).entries[0].occurred_at == change


@laws
@given(timelines(), logs(), moments)
def test_the_contributions_of_an_explanation_sum_to_the_score(
    timeline: Timeline, log: list[ScorableEvent], now: datetime
) -> None:
    folded = run(timeline, log, now)

    for name, card in folded.state.cards.items():
        told = explain(folded.entries, now=now, timeline=timeline, state=folded.state, scorecard=name)
        assert sum(part.points for part in told.contributions) == told.score == card.score


@laws
@given(trees())
def test_a_ruleset_survives_being_written(tree: dict[str, object]) -> None:
    spec = parse_ruleset(tree)
    written = json.loads(json.dumps(dump_ruleset(spec)))

    assert parse_ruleset(written) == spec
    assert dump_ruleset(parse_ruleset(written)) == written
