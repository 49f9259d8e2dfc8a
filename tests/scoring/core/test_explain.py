"""Scores in words."""

from decimal import Decimal

from scoring.core.explain import explain
from tests.scoring.core.build import at, event, make_timeline, run

DEMO = {"name": "Demo request", "event": "demo_request", "points": 50}
STAGES = [{"name": "cold", "min": 0}, {"name": "warm", "min": 20}, {"name": "qualified", "min": 100}]


def test_contributions_say_what_when_and_under_which_rule() -> None:
    timeline = make_timeline(DEMO, number=7)
    folded = run(timeline, event(0, "demo_request"))

    told = explain(folded.entries, now=at(2), timeline=timeline, state=folded.state)

    assert [part.sentence for part in told.contributions] == ["+50 Demo request, 2 days ago, rule ‘Demo request’ v7"]


def test_contributions_sum_to_the_score_though_it_fades_and_expires() -> None:
    timeline = make_timeline(DEMO | {"expires_after_days": 9}, half_life_days=20, floor=5)
    folded = run(timeline, event(0, "demo_request"), event(3, "demo_request"), event(4, points=-7), until=at(10))

    told = explain(folded.entries, now=at(10), timeline=timeline, state=folded.state)

    assert sum(part.points for part in told.contributions) == told.score
    assert [part.kind for part in told.contributions] == [
        "start",
        "event",
        "event",
        "adjustment",
        "decay",
        "decay",
    ]


def test_what_a_cap_refused_is_told_with_its_reason() -> None:
    timeline = make_timeline(DEMO | {"cap": {"times": 1}})
    folded = run(timeline, event(0, "demo_request"), event(1, "demo_request"))

    refused = explain(folded.entries, now=at(1), timeline=timeline, state=folded.state).refused

    assert [(part.rule, part.points) for part in refused] == [("Demo request", Decimal(50))]
    assert refused[0].sentence == "nothing of +50 for Demo request, just now: already counted once for this lead"


def test_what_comes_next_is_told_by_time_and_by_event() -> None:
    timeline = make_timeline(DEMO, half_life_days=10, stages=STAGES)
    folded = run(timeline, event(0, "demo_request"))

    told = explain(folded.entries, now=at(0), timeline=timeline, state=folded.state)

    assert told.next == (
        "falls to cold on 19 January if nothing happens",
        "50 points to qualified",
        "one demo_request away from qualified",
    )


def test_a_lead_without_events_is_explained_too() -> None:
    timeline = make_timeline(DEMO)
    folded = run(timeline)

    told = explain(folded.entries, now=at(0), timeline=timeline, state=folded.state)

    assert (float(told.score), told.stage, len(told.contributions)) == (0, "cold", 0)
