"""Intervals against figures worked out by hand or published."""

from math import exp, log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.prediction.intervals import auc_bounds, rate_of, ratio_of

counts = st.integers(0, 500).flatmap(lambda leads: st.tuples(st.integers(0, leads), st.just(leads)))


def test_wilson_gives_the_textbook_interval() -> None:
    # Agresti & Coull's example form: 5 of 10 is 0.2366 to 0.7634.
    rate = rate_of(5, 10)

    assert rate.share == 0.5
    assert rate.low == pytest.approx(0.2366, abs=5e-5)
    assert rate.high == pytest.approx(0.7634, abs=5e-5)


def test_wilson_does_not_claim_certainty_where_nobody_converted() -> None:
    # With p = 0 the upper bound is z²/(n + z²).
    rate = rate_of(0, 20)

    assert (rate.share, rate.low) == (0.0, 0.0)
    assert rate.high == pytest.approx(3.841459 / 23.841459, abs=1e-6)


def test_a_rate_of_no_leads_is_unknown() -> None:
    assert rate_of(0, 0).share is None


def test_more_converted_than_leads_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        rate_of(3, 2)


def test_katz_gives_the_interval_worked_out_by_hand() -> None:
    # 40 of 100 against 20 of 200: R = 4, SE(ln R) = √(1/40 − 1/100 + 1/20 − 1/200) = √0.06 = 0.244949,
    # 4·e^(−1.96·SE) = 2.4749, 4·e^(+1.96·SE) = 6.4650.
    lift = ratio_of(rate_of(40, 100), rate_of(20, 200))

    assert lift is not None
    assert lift.value == pytest.approx(4)
    assert lift.low == pytest.approx(2.4749, abs=5e-4)
    assert lift.high == pytest.approx(6.4650, abs=5e-4)


def test_the_lift_over_nobody_has_a_lower_bound_only() -> None:
    lift = ratio_of(rate_of(10, 20), rate_of(0, 100))

    assert lift is not None
    assert (lift.value, lift.high) == (None, None)
    centre = log(10.5 / 20.5) - log(0.5 / 100.5)
    spread = 1.959964 * sqrt(1 / 10.5 - 1 / 20.5 + 1 / 0.5 - 1 / 100.5)
    assert lift.low == pytest.approx(exp(centre - spread), rel=1e-5)


def test_the_lift_of_nobody_is_nothing_with_an_upper_bound() -> None:
    lift = ratio_of(rate_of(0, 20), rate_of(50, 100))

    assert lift is not None
    assert (lift.value, lift.low) == (0.0, 0.0)
    assert lift.high is not None
    assert 0 < lift.high < 1


@pytest.mark.parametrize(("with_hit", "without"), [((0, 0), (1, 9)), ((1, 9), (0, 0)), ((0, 5), (0, 5))])
def test_there_is_no_lift_without_anything_to_compare(with_hit: tuple[int, int], without: tuple[int, int]) -> None:
    assert ratio_of(rate_of(*with_hit), rate_of(*without)) is None


@settings(deadline=None)
@given(counts)
def test_a_rate_lies_in_its_interval_and_the_interval_in_0_to_1(count: tuple[int, int]) -> None:
    rate = rate_of(*count)

    if rate.share is not None:
        assert rate.low is not None
        assert rate.high is not None
        assert 0 <= rate.low <= rate.share <= rate.high <= 1


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 50))
def test_the_lift_is_1_where_the_rule_and_the_outcome_are_independent(converted: int, others: int, times: int) -> None:
    leads = converted + others
    lift = ratio_of(rate_of(converted * times, leads * times), rate_of(converted, leads))

    assert lift is not None
    assert lift.value == pytest.approx(1)
    assert lift.high is not None
    assert lift.low <= 1 + 1e-9
    assert lift.high >= 1 - 1e-9


@settings(deadline=None)
@given(counts, counts)
def test_the_lift_the_other_way_round_is_the_reciprocal(first: tuple[int, int], second: tuple[int, int]) -> None:
    there, back = ratio_of(rate_of(*first), rate_of(*second)), ratio_of(rate_of(*second), rate_of(*first))

    if there is not None and there.value:
        assert back is not None
        assert back.value == pytest.approx(1 / there.value)
        assert back.high == pytest.approx(1 / there.low)


def test_hanley_and_mcneil_give_the_error_worked_out_by_hand() -> None:
    # A = ¾, P = N = 100: Q₁ = 0.6, Q₂ = 0.642857, (0.1875 + 99·0.0375 + 99·0.080357) / 10,000 = 0.0344317².
    low, high = auc_bounds(0.75, converted=100, others=100)

    assert (high - low) / 2 / 1.959964 == pytest.approx(0.0344317, abs=1e-6)


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(1, 10_000), st.integers(1, 10_000))
def test_the_bounds_of_an_area_hold_it(auc: float, converted: int, others: int) -> None:
    low, high = auc_bounds(auc, converted=converted, others=others)

    assert 0 <= low <= auc <= high <= 1
