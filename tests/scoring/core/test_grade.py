from scoring.core.grade import grade
from scoring.core.ruleset import Ruleset, compile_ruleset, parse_ruleset


def ruleset(*, fit: bool) -> Ruleset:
    cards = [{"name": "Engagement", "rules": [{"name": "View", "event": "page_view", "points": 5}]}]
    if fit:
        rule = {"name": "Boss", "when": {"field": "traits.title", "op": "eq", "value": "CEO"}, "points": 20}
        stages = [{"name": "poor", "min": 0}, {"name": "good", "min": 20}]
        cards.append({"name": "Fit", "basis": "traits", "stages": stages, "rules": [rule]})
    return compile_ruleset(parse_ruleset({"scorecards": cards}), number=1, time_zone="UTC")


def test_the_letter_is_fit_and_the_digit_engagement() -> None:
    rules = ruleset(fit=True)
    assert grade(rules, {"Engagement": "qualified", "Fit": "good"}) == "A1"
    assert grade(rules, {"Engagement": "cold", "Fit": "poor"}) == "D4"
    assert grade(rules, {"Engagement": "warm", "Fit": "good"}) == "A3"


def test_without_a_scorecard_on_traits_there_is_no_grade() -> None:
    assert grade(ruleset(fit=False), {"Engagement": "hot"}) is None


def test_a_stage_that_the_rules_do_not_know_is_the_lowest() -> None:
    assert grade(ruleset(fit=True), {"Engagement": "gone", "Fit": "good"}) == "A4"
