"""The ROC curve, its area and the bands of score."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.prediction.ranking import auc_of, bins_of, levels_of, roc_of

scores = st.lists(st.integers(-500, 500), min_size=1, max_size=60)
few_scores = st.lists(st.integers(0, 5), min_size=1, max_size=60)


def area(converted: list[int], others: list[int]) -> float:
    found = auc_of(levels_of(converted, others))
    assert found is not None
    return found


def test_the_area_counts_pairs_in_the_right_order_and_half_of_the_ties() -> None:
    # Pairs: 3>1, 3>2, 2>1, 2=2 → (1 + 1 + 1 + ½) / 4.
    assert area([3, 2], [1, 2]) == 0.875


def test_the_curve_goes_through_every_threshold() -> None:
    roc = roc_of(levels_of([3, 2], [1, 2]))

    assert roc is not None
    assert roc.points == ((0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0))
    assert roc.auc == 0.875


@pytest.mark.parametrize(("converted", "others"), [([], [1]), ([1], []), ([], [])])
def test_there_is_no_curve_without_both_kinds(converted: list[int], others: list[int]) -> None:
    assert roc_of(levels_of(converted, others)) is None


def test_a_long_curve_is_thinned_for_drawing_but_not_for_its_area() -> None:
    roc = roc_of(levels_of(range(0, 4_000, 2), range(1, 3_000, 2)))

    assert roc is not None
    assert len(roc.points) == 200
    assert (roc.points[0], roc.points[-1]) == ((0, 0), (1, 1))
    assert roc.auc == area(list(range(0, 4_000, 2)), list(range(1, 3_000, 2)))


@settings(deadline=None)
@given(few_scores, few_scores)
def test_the_area_is_that_of_all_pairs(converted: list[int], others: list[int]) -> None:
    won = sum((a > b) + (a == b) / 2 for a in converted for b in others)

    assert area(converted, others) == pytest.approx(won / len(converted) / len(others))


@settings(deadline=None)
@given(scores, scores)
def test_the_area_under_the_curve_is_the_area(converted: list[int], others: list[int]) -> None:
    roc = roc_of(levels_of(converted, others))

    assert roc is not None
    trapezes = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(roc.points))
    assert trapezes == pytest.approx(roc.auc)


@settings(deadline=None)
@given(scores, scores)
def test_reversed_scores_have_the_rest_of_the_area(converted: list[int], others: list[int]) -> None:
    turned = area([-score for score in converted], [-score for score in others])

    assert turned == pytest.approx(1 - area(converted, others))


@settings(deadline=None)
@given(scores, scores, st.randoms())
def test_the_order_of_the_leads_does_not_matter(converted: list[int], others: list[int], random: Random) -> None:
    shuffled = sorted(converted, key=lambda _: random.random())

    assert levels_of(shuffled, others[::-1]) == levels_of(converted, others)


@settings(deadline=None)
@given(scores, scores)
def test_only_the_ranking_matters_to_the_area(converted: list[int], others: list[int]) -> None:
    def stretch(values: list[int]) -> list[int]:
        return [score**3 + 7 for score in values]

    assert area(stretch(converted), stretch(others)) == area(converted, others)


@settings(deadline=None)
@given(scores | few_scores, scores | few_scores, st.integers(1, 12))
def test_bands_part_the_leads(converted: list[int], others: list[int], most: int) -> None:
    bins = bins_of(levels_of(converted, others), most=most)

    assert len(bins) <= most
    assert sum(band.rate.leads for band in bins) == len(converted) + len(others)
    assert sum(band.rate.converted for band in bins) == len(converted)
    assert all(band.lowest <= band.highest for band in bins)
    assert all(lower.highest < upper.lowest for lower, upper in pairwise(bins))


@settings(deadline=None)
@given(st.integers(1, 50))
def test_bands_of_distinct_scores_are_equally_large(size: int) -> None:
    bins = bins_of(levels_of(range(0, 10 * size, 2), range(1, 10 * size, 2)))

    assert [band.rate.leads for band in bins] == [size] * 10


def test_a_score_most_leads_have_makes_one_large_band() -> None:
    bins = bins_of(levels_of([0] * 10 + [500], [0] * 80 + [900] * 9))

    assert [(band.lowest, band.highest, band.rate.leads) for band in bins] == [(0, 0, 90), (5, 9, 10)]
