"""A ruleset as a file: what is read, what is refused and where, and how it is written."""

from typing import Any

import pytest

from scoring.core.ruleset import RulesetInvalid, dump_ruleset, parse_ruleset
from scoring.core.simulate import run_tests

FULL: dict[str, Any] = {
    "scorecards": [
        {
            "name": "Engagement",
            "half_life_days": 30,
            "rules": [
                {
                    "name": "Pricing page",
                    "event": "page_view",
                    "when": {
                        "all": [
                            {"field": "properties.path", "op": "starts_with", "value": "/pricing"},
                            {"not": {"field": "context.campaign.source", "op": "eq", "value": "internal"}},
                        ]
                    },
                    "points": 15,
                    "cap": {"times": 3, "per": "day", "distinct": "properties.path"},
                    "expires_after_days": 90,
                    "valid_from": "2026-01-01T00:00:00Z",
                    "group": "Web",
                }
            ],
            "groups": [{"name": "Web", "max": 60}],
        }
    ],
    "tests": [
        {
            "name": "A pricing visit warms a lead",
            "events": [
                {
                    "eventType": "page_view",
                    "timestamp": "2026-01-10T10:00:00Z",
                    "properties": {"path": "/pricing"},
                }
            ],
            "expect": {"score": 15, "stage": "cold"},
        }
    ],
}


def mistakes(tree: Any) -> list[tuple[str, str]]:
    with pytest.raises(RulesetInvalid) as invalid:
        parse_ruleset(tree)
    return invalid.value.errors


def card(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    named = [{"name": f"R{index}", "event": "view", "points": 1} | rule for index, rule in enumerate(rules)]
    return {"scorecards": [{"name": "A", "rules": named} | fields]}


def test_a_full_ruleset_is_written_as_it_was_read() -> None:
    assert dump_ruleset(parse_ruleset(FULL)) == FULL


def test_a_ruleset_runs_its_own_tests() -> None:
    wrong = FULL | {"tests": [FULL["tests"][0] | {"expect": {"score": 20, "stage": "warm"}}]}

    assert run_tests(parse_ruleset(FULL)) == []
    assert run_tests(parse_ruleset(wrong)) == [
        "“A pricing visit warms a lead”: Engagement should score 20, but scores 15",
        "“A pricing visit warms a lead”: Engagement should be warm, but is cold",
    ]


def leaf(**fields: Any) -> dict[str, Any]:
    return {"field": "properties.a", "op": "eq", "value": 1} | fields


def nested(depth: int) -> dict[str, Any]:
    condition = leaf()
    for _ in range(depth):
        condition = {"not": condition}
    return condition


@pytest.mark.parametrize(
    ("tree", "pointer", "words"),
    [
        ([], "", "must be an object"),
        ({}, "/scorecards", "is required"),
        ({"scorecards": []}, "/scorecards", "must not be empty"),
        (card(colour="red"), "/scorecards/0/colour", "is not known here"),
        (card({"points": "5"}), "/scorecards/0/rules/0/points", "must be a number"),
        (card({"points": True}), "/scorecards/0/rules/0/points", "must be a number"),
        (card({"points": float("nan")}), "/scorecards/0/rules/0/points", "must be a finite number"),
        (card({"points": 0.001}), "/scorecards/0/rules/0/points", "may have at most two decimal places"),
        (card({"points": 2_000_000}), "/scorecards/0/rules/0/points", "must be between"),
        (card({"name": ""}), "/scorecards/0/rules/0/name", "must not be empty"),
        (card({}, {"name": "R0"}), "/scorecards/0/rules/1/name", "is there already"),
        (card({"event": "no spaces"}), "/scorecards/0/rules/0/event", "must be an event type"),
        (card({"event": ["ok", "no spaces"]}), "/scorecards/0/rules/0/event/1", "must be an event type"),
        (card({"group": "X"}), "/scorecards/0/rules/0/group", "is not one of this scorecard's groups"),
        (
            card({"valid_from": "2026-01-01T00:00:00"}),
            "/scorecards/0/rules/0/valid_from",
            "needs a time zone",
        ),
        (card({"cap": {"times": 0}}), "/scorecards/0/rules/0/cap/times", "must be at least 1"),
        (card({"cap": {"per": "year"}}), "/scorecards/0/rules/0/cap/per", "must be 'lead', 'day'"),
        (card({"when": leaf(field="path")}), "/scorecards/0/rules/0/when/field", "must be a path"),
        (card({"when": leaf(op="like")}), "/scorecards/0/rules/0/when/op", "must be 'eq'"),
        (
            card({"when": {"all": [leaf(op="in")]}}),
            "/scorecards/0/rules/0/when/all/0/value",
            "must be a list",
        ),
        (card({"when": leaf(op="matches", value="(a")}), "/scorecards/0/rules/0/when/value", "missing )"),
        (
            card({"when": leaf(op="matches", value="(a)\\1")}),
            "/scorecards/0/rules/0/when/value",
            "is not a regular",
        ),
        (
            card({"when": leaf(op="gt", value="many")}),
            "/scorecards/0/rules/0/when/value",
            "must be a number, or a time",
        ),
        (card({"when": nested(9)}), "/scorecards/0/rules/0/when", "may be at most 8 levels deep"),
        (card({"when": nested(2000)}), "", "is nested too deeply"),
        (card({"when": {"any": [leaf()] * 201}}), "/scorecards/0/rules/0/when", "may have at most 200 parts"),
        (card(floor=10, cap=5), "/scorecards/0/cap", "must not be below the floor"),
        (card(floor=-5), "/scorecards/0/stages/0/min", "must not be above the floor"),
        (
            card(stages=[{"name": "a", "min": 0}, {"name": "b", "min": 0}]),
            "/scorecards/0/stages/1/min",
            "begins at",
        ),
        (
            card({"event": "*", "cap": {}}, basis="traits"),
            "/scorecards/0/rules/0/cap",
            "does not go with basis",
        ),
        (
            card(*({"name": f"N{index}"} for index in range(501))),
            "/scorecards/0/rules",
            "may have at most 500 items",
        ),
    ],
)
def test_a_mistake_is_pointed_at_in_words(tree: Any, pointer: str, words: str) -> None:
    found = mistakes(tree)

    assert [where for where, _ in found] == [pointer]
    assert words in found[0][1]
