"""Rules are written with the mouse: rows and groups come and go, and what is saved is what is seen."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ingest.models import Project, User
from scoring.core.ruleset import dump_value
from scoring.services.draft import draft_of

pytestmark = pytest.mark.browser


def rule_named(project: Project, name: str) -> dict[str, Any]:
    rules = draft_of(project.pk).scorecards[0].rules
    return next(dump_value(rule) for rule in rules if rule.name == name)


def test_a_rule_with_conditions_a_group_and_a_cap(page: Page, project: Project) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    page.goto("/admin/scoring/rule/add/")
    page.get_by_label("Name:").fill("Pricing page")
    page.get_by_label("Events:").fill("page_view")
    page.get_by_role("button", name="+ Or another event").click()
    page.get_by_label("Another event type").fill("page_opened")
    page.get_by_role("button", name="+ Add a condition").click()
    page.get_by_label("Field").fill("properties.path")
    page.get_by_label("Comparison").select_option(label="starts with")
    page.get_by_label("Value").fill("/pricing")
    page.get_by_role("button", name="+ Add a group of conditions").click()
    group = page.locator("fieldset.rows-group")
    group.get_by_label("Whether the group must hold").select_option("not")
    group.get_by_label("Field").fill("traits.staff")
    group.get_by_label("Comparison").select_option(label="is true")
    expect(group.get_by_label("Value")).to_be_hidden()
    group.get_by_role("button", name="+ Add a condition").click()
    group.get_by_label("Field").last.fill("traits.plan")
    group.get_by_label("Comparison").last.select_option(label="is one of")
    group.get_by_label("Value").last.fill("internal\ntest")
    page.get_by_role("button", name="+ Add a condition").first.click()
    page.get_by_role("button", name="Remove this condition").nth(1).click()
    page.get_by_label("Points:").fill("15")
    page.get_by_label("Counts at most").fill("3")
    page.get_by_label("times per").select_option("day")
    page.get_by_label("and different").fill("properties.path")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("This is a draft and changes no score yet.")).to_be_visible()
    assert rule_named(project, "Pricing page") == {
        "name": "Pricing page",
        "event": ["page_view", "page_opened"],
        "when": {
            "all": [
                {"field": "properties.path", "op": "starts_with", "value": "/pricing"},
                {
                    "not": {
                        "any": [
                            {"field": "traits.staff", "op": "eq", "value": True},
                            {"field": "traits.plan", "op": "in", "value": ["internal", "test"]},
                        ]
                    }
                },
            ]
        },
        "points": 15,
        "cap": {"times": 3, "per": "day", "distinct": "properties.path"},
    }


def test_a_test_of_the_rules_that_fails_says_so(page: Page, project: Project) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    page.goto("/admin/scoring/rulesettest/add/")
    page.get_by_label("Project:").select_option(label="Acme")
    page.get_by_label("Name:").fill("A sign-up is hot")
    page.get_by_label("Event type").fill("signup")
    page.get_by_label("Time (UTC)").fill("2026-02-01T10:00:00")
    page.get_by_role("button", name="+ Add a property").click()
    page.get_by_label("Name", exact=True).first.fill("plan")
    page.get_by_label("Value", exact=True).first.fill("pro")
    page.get_by_label("Stage:").fill("hot")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Run the tests of Acme").click()

    expect(page.get_by_text("1 of 1 tests fail")).to_be_visible()
    expect(page.get_by_text("“A sign-up is hot”: Engagement should be hot, but is warm")).to_be_visible()


@pytest.mark.parametrize("address", ["rule/add/", "rulesettest/add/", "rule/"])
def test_the_forms_fit_on_a_phone(page: Page, project: Project, address: str) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"/admin/scoring/{address}")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
