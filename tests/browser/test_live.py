"""Pages keep themselves up to date, quietly."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from ingest.models import Project
from tests.dashboard.build import make_lead, score, track

pytestmark = pytest.mark.browser


def test_the_overview_shows_what_happens_and_keeps_the_readers_place(page: Page, project: Project) -> None:
    lead = make_lead(project, name="Ada")
    score()
    page.goto(f"/p/{project.pk}")
    page.evaluate("window.chart = document.querySelector('#throughput-chart canvas')")
    page.locator("#stage-hot").focus()

    track(lead, "demo_request")
    score()

    expect(page.locator("#stage-hot strong")).to_have_text("1")
    expect(page.get_by_text("demo_request").first).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "stage-hot"
    assert page.evaluate("window.chart === document.querySelector('#throughput-chart canvas')")


def test_the_first_event_turns_the_first_steps_into_the_overview(page: Page, project: Project) -> None:
    page.goto(f"/p/{project.pk}")
    expect(page.get_by_role("heading", name="its first event")).to_be_visible()

    track(make_lead(project, name="Ada"), "signup")
    score()

    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("Ada").first).to_be_visible()


def test_a_leads_page_shows_a_new_entry_and_draws_it(page: Page, project: Project) -> None:
    lead = make_lead(project, name="Ada")
    track(lead, "signup")
    score()
    page.goto(f"/p/{project.pk}/leads/{lead.pk}")
    expect(page.locator("#lead-score")).to_have_text("20")

    track(lead, "contract_signed")
    score()

    expect(page.locator("#lead-score")).to_have_text("120")
    expect(page.locator(".entry").first).to_contain_text("Contract signed +100")
    assert (
        page.evaluate("Chart.getChart(document.querySelector('#score-chart canvas')).data.datasets[0].data.length") == 4
    )


def test_a_page_whose_session_ends_goes_to_the_log_in(page: Page, project: Project) -> None:
    make_lead(project, name="Ada")
    page.goto(f"/p/{project.pk}/leaderboard")

    Session.objects.all().delete()

    page.wait_for_url(f"**/login?next=/p/{project.pk}/leaderboard")


def test_a_server_that_is_away_is_told_and_waited_for(troubled_page: Page, project: Project) -> None:
    make_lead(project, name="Ada")
    page = troubled_page
    page.goto(f"/p/{project.pk}/leaderboard")
    page.route("**/leaderboard?*", lambda route: route.abort())

    expect(page.get_by_text("Connection lost, trying again")).to_be_visible()

    page.unroute_all()
    expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=30_000)
