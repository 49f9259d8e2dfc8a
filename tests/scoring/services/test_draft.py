"""The rows people edit and the ruleset a file holds say the same, exactly."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.models import Project
from ingest.services.projects import create_project
from scoring.core.ruleset import RulesetInvalid, dump_ruleset, parse_ruleset
from scoring.core.ruleset_file import read_ruleset, write_ruleset
from scoring.models import Rule, Scorecard, Stage
from scoring.services.draft import draft_of, replace_draft
from scoring.services.publication import problems_of, replace_and_publish
from scoring.services.rulesets import NothingChanged, Published, TestsFailed, freeze_draft, latest_version
from tests.properties.rulesets import START, conditions, trees

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 1, tzinfo=UTC)

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=20
)
plain = names | st.integers(-(10**12), 10**12) | st.booleans() | st.none() | st.sampled_from([0.5, -1.25, "no", "1e3"])
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2))
fields = st.dictionaries(names, values, max_size=3)
moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat())
scores = st.integers(-10_000_000_000, 10_000_000_000).map(lambda hundredths: hundredths / 100)


@st.composite
def examples(draw: st.DrawFn) -> dict[str, Any]:
    event = st.fixed_dictionaries(
        {"eventType": st.sampled_from(["view", "Order Completed"]), "timestamp": moments},
        optional={"properties": fields, "traits": fields, "context": fields, "eventId": names},
    )
    expected = st.fixed_dictionaries({}, optional={"score": scores, "stage": names})
    expect: dict[str, Any] = draw(expected)
    if draw(st.booleans()):
        expect["scorecards"] = {"A": draw(expected)}
    return {"name": draw(names), "events": draw(st.lists(event, max_size=3)), "traits": draw(fields), "expect": expect}


@st.composite
def rulesets(draw: st.DrawFn) -> dict[str, Any]:
    tree: dict[str, Any] = draw(trees())
    tree["scorecards"][0]["name"] = "A"
    tree["scorecards"][1:] = [card | {"name": "B"} for card in tree["scorecards"][1:]]
    for card in tree["scorecards"]:
        for rule in card["rules"]:
            rule["active"] = draw(st.booleans())
            if draw(st.booleans()):
                rule["valid_to"] = draw(st.just("2199-12-31T23:59:59.123456+02:00"))
            if draw(st.booleans()) and card["basis"] == "events":
                rule["when"] = draw(conditions(["properties.é ü", "traits.x"]))
    return tree | {"tests": draw(st.lists(examples(), max_size=2))}


@pytest.fixture
def project() -> Project:
    return create_project("Acme", now=NOW)


few = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(tree=rulesets())
def test_a_draft_returns_exactly_what_was_stored(project: Project, tree: dict[str, Any]) -> None:
    spec = parse_ruleset(tree)

    replace_draft(project.pk, spec)

    assert draft_of(project.pk) == spec
    assert dump_ruleset(draft_of(project.pk)) == dump_ruleset(spec)


@few
@given(tree=rulesets())
def test_a_file_returns_exactly_what_was_written(tree: dict[str, Any]) -> None:
    spec = parse_ruleset(tree)

    assert read_ruleset(write_ruleset(dump_ruleset(spec))) == spec


def tree_with_test(score: int) -> dict[str, Any]:
    return {
        "scorecards": [{"name": "Engagement", "rules": [{"name": "View", "event": "view", "points": 5}]}],
        "tests": [
            {
                "name": "A view counts",
                "events": [{"eventType": "view", "timestamp": START.isoformat()}],
                "expect": {"score": score},
            }
        ],
    }


def test_publishing_is_refused_when_a_test_of_the_draft_fails(project: Project) -> None:
    replace_draft(project.pk, parse_ruleset(tree_with_test(7)))

    outcome = freeze_draft(project.pk, by=None, note="", applies_from=None, now=NOW)

    assert outcome == TestsFailed(failures=["“A view counts”: Engagement should score 7, but scores 5"])
    assert latest_version(project.pk).number == 1


def test_publishing_goes_through_when_the_tests_pass(project: Project) -> None:
    replace_draft(project.pk, parse_ruleset(tree_with_test(5)))

    outcome = freeze_draft(project.pk, by=None, note="", applies_from=None, now=NOW)

    assert isinstance(outcome, Published)
    assert outcome.version.content == dump_ruleset(parse_ruleset(tree_with_test(5)))


def test_a_file_whose_tests_fail_leaves_the_draft_alone(project: Project) -> None:
    before = draft_of(project.pk)

    outcome = replace_and_publish(
        project.pk, parse_ruleset(tree_with_test(7)), by=None, note="", applies_from=None, now=NOW
    )

    assert isinstance(outcome, TestsFailed)
    assert draft_of(project.pk) == before


def test_the_same_rules_from_now_on_are_no_new_version(project: Project) -> None:
    outcome = replace_and_publish(project.pk, draft_of(project.pk), by=None, note="", applies_from=NOW, now=NOW)

    assert isinstance(outcome, NothingChanged)


def test_a_draft_without_scorecards_says_why_it_cannot_be_published(project: Project) -> None:
    Scorecard.objects.filter(project=project).delete()

    assert problems_of(project.pk) == ["Scorecards: must not be empty."]


def test_what_is_wrong_with_a_draft_is_told_with_the_names_people_gave(project: Project) -> None:
    Rule.objects.filter(name="Page view").update(event_types="page view *", cap_times=0)
    Stage.objects.filter(name="cold").update(minimum=3)

    with pytest.raises(RulesetInvalid):
        draft_of(project.pk)
    assert problems_of(project.pk) == [
        "Scorecard “Engagement”, rule “Page view”, cap, times: must be at least 1.",
    ]
    Rule.objects.filter(name="Page view").update(cap_times=None)
    assert problems_of(project.pk) == [
        (
            "Scorecard “Engagement”, stage “cold”, minimum: must not be above the floor of 0, or some scores would "
            "have no stage."
        ),
        "Scorecard “Engagement”, rule “Page view”, event types: * stands alone: it already means every type.",
    ]
