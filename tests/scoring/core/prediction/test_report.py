"""The report as a whole: counted by hand, the same in any order, and silent where there is too little."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.prediction.collector import Collector, Observation
from scoring.core.prediction.report import Report, Suggestion, dump_report, load_report, make_report

RULES = ("Demo", "View")


def lead(key: int, *, converted: bool, score: int = 0, days: float = 1, **hits: int) -> Observation:
    return Observation(key=str(key), converted=converted, score=score * 100, hits=hits, days=days)


def report_on(leads: Iterable[Observation], *, suggestion: Suggestion | None = None) -> Report:
    collected = Collector(RULES)
    for seen in leads:
        collected.add(seen)
    return make_report(
        collected,
        scorecard="Engagement",
        outcome="contract_signed",
        points=dict.fromkeys(RULES, 10.0),
        left_out=0,
        suggestion=suggestion,
    )


def a_hundred_and_fifty() -> list[Observation]:
    """Fifty converted, forty of them with a demo; of a hundred others twenty had one. All viewed."""
    converted = [lead(n, converted=True, score=80 + n % 3, days=n, View=2, **demo(n < 40)) for n in range(50)]
    others = [lead(50 + n, converted=False, score=20, days=30, View=1, **demo(n < 20)) for n in range(100)]
    return converted + others


def demo(had: bool) -> dict[str, int]:
    return {"Demo": 1} if had else {}


def test_a_rule_is_judged_by_conversion_with_and_without_a_hit() -> None:
    demo, view = report_on(a_hundred_and_fifty()).rules

    assert (demo.with_hit.converted, demo.with_hit.leads) == (40, 60)
    assert (demo.without.converted, demo.without.leads) == (10, 90)
    assert demo.lift is not None
    assert demo.lift.value == pytest.approx(6)
    assert demo.verdict == "for"
    assert (view.with_hit.leads, view.without.leads, view.lift, view.verdict) == (150, 0, None, "unseen")


def test_a_hit_that_never_counted_is_a_hit_all_the_same() -> None:
    leads = [replace(seen, hits=dict.fromkeys(seen.hits, 0)) for seen in a_hundred_and_fifty()]

    assert report_on(leads).rules[0].with_hit.leads == 60


def test_a_rule_against_the_outcome_is_told_apart_from_one_that_says_nothing() -> None:
    turned = [replace(seen, converted=not seen.converted) for seen in a_hundred_and_fifty()]
    chance = [lead(n, converted=n % 2 == 0, **demo(n % 4 < 2)) for n in range(200)]

    assert report_on(turned).rules[0].verdict == "against"
    assert report_on(chance).rules[0].verdict == "open"
    lift = report_on(chance).rules[0].lift
    assert lift is not None
    assert lift.value == 1


def test_how_long_it_took_is_told_with_the_leads_that_had_no_time_yet() -> None:
    report = report_on([*a_hundred_and_fifty(), lead(900, converted=False, days=3)])

    assert report.days_to_outcome == 24.5
    assert report.too_young == 1


@pytest.mark.parametrize(
    ("converted", "others", "words"),
    [
        (0, 200, "No leads have had “contract_signed” so far."),
        (1, 200, "Only 1 lead has had “contract_signed” so far."),
        (49, 200, "Only 49 leads have had “contract_signed” so far."),
        (200, 49, "Only 49 leads have not had “contract_signed”."),
    ],
)
def test_too_few_leads_of_a_kind_give_a_sentence_and_no_numbers(converted: int, others: int, words: str) -> None:
    leads = [lead(n, converted=n < converted, Demo=1) for n in range(converted + others)]
    report = report_on(leads, suggestion=Suggestion(points={"Demo": 5}, remarks={}))

    assert report.too_few.startswith(words)
    assert (report.rules, report.bins, report.roc, report.suggestion) == ((), (), None, None)


def test_fifty_of_either_kind_are_enough() -> None:
    assert not report_on(lead(n, converted=n < 50) for n in range(100)).too_few


def test_suggestions_and_remarks_stand_with_their_rules() -> None:
    suggestion = Suggestion(points={"Demo": 40}, remarks={"View": "Too few leads."})
    demo, view = report_on(a_hundred_and_fifty(), suggestion=suggestion).rules

    assert (demo.suggested, demo.remark) == (40, "")
    assert (view.suggested, view.remark) == (None, "Too few leads.")


def test_a_report_survives_being_stored() -> None:
    report = report_on(a_hundred_and_fifty(), suggestion=Suggestion(points={"Demo": 40}, remarks={}, auc=0.9))

    assert load_report(dump_report(report)) == report


observations = st.lists(
    st.tuples(st.booleans(), st.integers(0, 30), st.dictionaries(st.sampled_from([*RULES, "Gone"]), st.integers(0, 3))),
    max_size=40,
)


@settings(deadline=None)
@given(observations, st.integers())
def test_the_order_of_the_leads_changes_nothing(seen: list[tuple[bool, int, dict[str, int]]], seed: int) -> None:
    leads = a_hundred_and_fifty() + [
        lead(1_000 + number, converted=converted, score=score, days=number, **hits)
        for number, (converted, score, hits) in enumerate(seen)
    ]
    shuffled = leads[:]
    Random(seed).shuffle(shuffled)

    assert report_on(shuffled) == report_on(leads)


@settings(deadline=None)
@given(st.integers(1, 30), st.integers())
def test_the_samples_are_the_same_in_any_order_and_as_large_as_they_may_be(size: int, seed: int) -> None:
    leads = a_hundred_and_fifty()
    shuffled = leads[:]
    Random(seed).shuffle(shuffled)
    first, second = Collector(RULES, sample=size), Collector(RULES, sample=size)
    for seen, other in zip(leads, shuffled, strict=True):
        first.add(seen)
        second.add(other)

    assert first.sample == second.sample
    assert first.typical == second.typical
    assert sum(seen.converted for seen in first.sample) == size
    assert len(first.sample) == 2 * size


def test_the_typical_sample_has_as_few_converted_leads_as_there_are() -> None:
    collected = Collector(RULES, sample=500)
    for number in range(10_000):
        collected.add(lead(number, converted=number % 20 == 0))

    converted = sum(seen.converted for seen in collected.typical)
    assert len(collected.typical) == pytest.approx(526, abs=60)
    assert converted / len(collected.typical) == pytest.approx(0.05, abs=0.03)
