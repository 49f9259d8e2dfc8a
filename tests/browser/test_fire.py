"""Firing an event and watching the score move."""

import pytest
from playwright.sync_api import Page, expect

from ingest.models import Lead, Project
from tests.dashboard.build import make_lead, score

pytestmark = pytest.mark.browser


def test_the_score_moves_without_a_reload_and_says_why(page: Page, project: Project) -> None:
    lead = make_lead(project, name="Ada")
    page.goto(f"/p/{project.pk}/fire?lead={lead.pk}")
    page.evaluate("window.stillTheSamePage = true")

    page.get_by_text("demo_request", exact=True).click()
    page.get_by_role("button", name="Fire", exact=True).click()

    watch = page.locator("#watch")
    expect(watch.get_by_text("2 being scored")).to_be_visible()
    score()
    expect(page.locator("#watch-score")).to_have_text("50")
    expect(watch.get_by_text("Demo request")).to_be_visible()
    expect(watch.locator(".standing .badge")).to_have_text("hot")
    expect(page.locator("#announcer")).to_have_text("Score 50, stage hot")
    assert page.evaluate("window.stillTheSamePage")


def test_a_new_lead_is_made_and_fired_at_again(page: Page, project: Project) -> None:
    page.goto(f"/p/{project.pk}/fire")
    page.get_by_text("A new lead").click()
    page.get_by_label("Name", exact=True).fill("Grace")
    page.get_by_text("signup", exact=True).click()
    page.get_by_role("button", name="Fire", exact=True).click()
    expect(page.locator("#watch").get_by_text("Grace")).to_be_visible()

    page.get_by_role("button", name="Fire 5 times").click()
    expect(page.locator("#watch").get_by_text("7 being scored")).to_be_visible()
    score()

    expect(page.locator("#watch-score")).to_have_text("120")
    assert Lead.objects.filter(project=project).count() == 1
    page.reload()
    expect(page.locator("#watch-score")).to_have_text("120")


def test_a_mistake_is_shown_in_place_and_can_be_mended(page: Page, project: Project) -> None:
    lead = make_lead(project, name="Ada")
    page.goto(f"/p/{project.pk}/fire?lead={lead.pk}")
    page.get_by_text("signup", exact=True).click()
    page.get_by_text("Properties (optional)").click()
    page.get_by_label("Properties as JSON").fill("{oops")
    page.get_by_role("button", name="Fire", exact=True).click()
    expect(page.get_by_text("This is not JSON")).to_be_visible()

    page.get_by_label("Properties as JSON").fill('{"plan": "pro"}')
    page.get_by_role("button", name="Fire", exact=True).click()

    expect(page.locator("#watch").get_by_text("2 being scored")).to_be_visible()


def test_choosing_another_lead_shows_where_that_one_stands(page: Page, project: Project) -> None:
    make_lead(project, name="Ada")
    make_lead(project, name="Grace")
    page.goto(f"/p/{project.pk}/fire")

    page.get_by_label("Find by name, e-mail or company").fill("grac")
    expect(page.locator("#candidates").get_by_text("Ada")).to_have_count(0)
    page.locator("#candidates").get_by_text("Grace").click()

    expect(page.locator("#watch").get_by_role("link", name="Grace")).to_be_visible()
