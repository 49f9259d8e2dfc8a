"""Looking back with the slider, by keyboard and by mouse."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from ingest.models import Lead, Project
from tests.dashboard.build import make_lead, score, track

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lead(project: Project) -> Lead:
    lead = make_lead(project, name="Ada")
    now = timezone.now()
    track(lead, "signup", at=now - timedelta(days=10))
    track(lead, "demo_request", at=now - timedelta(hours=2))
    score()
    return lead


def test_the_slider_takes_the_page_back_by_keyboard_and_a_link_returns_to_now(page: Page, lead: Lead) -> None:
    page.goto(f"/p/{lead.project_id}/leads/{lead.pk}")
    slider = page.get_by_label("As it was on")
    expect(page.locator("#moment-words")).to_have_text("now")

    slider.focus()
    slider.press("PageDown")

    expect(page.locator("#as-of")).to_contain_text("As of")
    expect(page.locator("#lead-score")).to_have_text("20")
    expect(page.locator("[data-live]")).to_be_hidden()
    expect(slider).to_be_focused()
    assert "at=" in page.url

    page.get_by_role("link", name="Back to now").click()

    expect(page.locator("#lead-score")).to_have_text("70")
    expect(page.locator("[data-live]")).to_be_visible()


def test_back_and_forward_keep_the_moment(page: Page, lead: Lead) -> None:
    page.goto(f"/p/{lead.project_id}/leads/{lead.pk}")
    page.get_by_label("As it was on").focus()
    page.keyboard.press("Home")
    expect(page.locator("#as-of")).to_be_visible()

    page.reload()

    expect(page.locator("#as-of")).to_be_visible()
    expect(page.get_by_label("As it was on")).not_to_have_attribute("aria-valuetext", "now")
