"""The report in words: for people who have never heard of a confidence interval."""

import pytest

from scoring.core.prediction.intervals import Ratio, rate_of
from scoring.core.prediction.report import Report, Suggestion
from scoring.core.prediction.words import (
    between,
    lift_in_words,
    percent,
    population_in_words,
    rate_in_words,
    suggestion_in_words,
)


@pytest.mark.parametrize(
    ("share", "words"), [(None, "–"), (0.0, "0%"), (0.0012, "0.1%"), (0.083, "8.3%"), (0.5, "50%"), (1.0, "100%")]
)
def test_a_share_is_written_as_people_write_it(share: float | None, words: str) -> None:
    assert percent(share) == words


def test_a_rate_names_its_leads_and_its_interval() -> None:
    assert rate_in_words(rate_of(5, 10)) == "5 of 10, 50% (24% to 76%)"
    assert rate_in_words(rate_of(0, 0)) == "no leads"


@pytest.mark.parametrize(
    ("lift", "words"),
    [
        (None, "–"),
        (Ratio(value=4.0, low=2.4749, high=6.465), "4.0× (2.5 to 6.5)"),
        (Ratio(value=0.0, low=0.0, high=0.731), "0× (0 to 0.73)"),
        (Ratio(value=None, low=7.91, high=None), "at least 7.9×"),
        (Ratio(value=1234.0, low=100.0, high=9999.4), "1,234× (100 to 9,999)"),
    ],
)
def test_a_lift_is_times_with_its_interval(lift: Ratio | None, words: str) -> None:
    assert lift_in_words(lift) == words


def test_a_band_of_one_score_is_that_score() -> None:
    assert (between(15.0, 15.0), between(-2.5, 1200.0)) == ("15", "−2.5 to 1,200")


def test_who_was_left_out_and_who_had_no_time_yet_is_said() -> None:
    report = Report(
        scorecard="Engagement",
        outcome="contract_signed",
        leads=300,
        converted=100,
        left_out=1,
        too_young=7,
        days_to_outcome=12.34,
        too_few="",
    )

    assert population_in_words(report) == [
        "300 leads with events: 100 had “contract_signed”, 200 have not so far.",
        "1 more lead is left out: “contract_signed” came before anything else, so nothing could foretell it.",
        (
            "Half of those who had it took 12 days or longer; 7 leads without it have been known for less than that, "
            "and may still get there. They count as not converted."
        ),
    ]


@pytest.mark.parametrize(("auc", "advice"), [(0.74, False), (0.722, False), (0.719, True), (0.6, True)])
def test_points_that_are_not_clearly_better_than_todays_are_not_recommended(*, auc: float, advice: bool) -> None:
    words = suggestion_in_words(Suggestion(points={"Demo": 5}, remarks={}, auc=auc, auc_today=0.701, leads=400))

    assert ("no reason to change" in words) == advice
