"""How a ruleset differs from another, in words."""

from typing import Any

import pytest

from scoring.core.changes import changes
from scoring.core.ruleset import parse_ruleset

VIEW = {"name": "Page view", "event": "page_view", "points": 5}


def told(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [str(change) for change in changes(parse_ruleset(old), parse_ruleset(new))]


def card(*rules: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"scorecards": [{"name": "Engagement", "rules": list(rules), **settings}]}


def test_the_same_ruleset_differs_in_nothing() -> None:
    assert told(card(VIEW), card(VIEW)) == []


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (card(VIEW | {"points": 8}), "Page view: 5 → 8 points"),
        (card(VIEW | {"points": -2.5}), "Page view: 5 → −2.5 points"),
        (card(VIEW | {"event": ["page_view", "screen_view"]}), "Page view: for page_view → for page_view, screen_view"),
        (card(VIEW | {"cap": {"times": 3, "per": "day"}}), "Page view: now at most 3 times per day"),
        (card(VIEW | {"expires_after_days": 90}), "Page view: now for 90 days"),
        (card(VIEW | {"active": False}), "Page view: now switched off"),
        (
            card(VIEW | {"when": {"field": "properties.path", "op": "starts_with", "value": "/pricing"}}),
            "Page view: now only when properties.path starts with “/pricing”",
        ),
        (card(), "Page view: removed, was 5 points; for page_view"),
        (card(VIEW, floor=5), "Floor: 0 → 5"),
        (card(VIEW, half_life_days=30), "Half-life: never fades → 30 days"),
        (card(VIEW, groups=[{"name": "Web", "max": 60}]), "Group Web: new, at most 60 points"),
        (
            card(VIEW, stages=[{"name": "cold", "min": 0}, {"name": "warm", "min": 25}]),
            "Stage warm: from 20 → from 25 points",
        ),
    ],
)
def test_each_change_is_told(new: dict[str, Any], words: str) -> None:
    assert words in told(card(VIEW), new)


def test_scorecards_and_rules_that_come_go_or_change_places_are_told() -> None:
    click = {"name": "Click", "event": "click", "points": 1}
    two = {"scorecards": [*card(VIEW)["scorecards"], {"name": "Fit", "rules": []}]}

    assert told(card(VIEW), card(VIEW, click)) == ["Click: new, 1 point; for click"]
    assert told(card(VIEW, click), card(click, VIEW)) == ["Rules: in another order"]
    assert told(card(VIEW), two) == ["Fit: a new scorecard with 0 rules"]
    assert told(two, card(VIEW)) == ["Fit: the scorecard is removed"]
    assert told(two, {"scorecards": two["scorecards"][::-1]}) == ["Primary scorecard: Engagement → Fit"]
