"""Merging two leads and separating them again, as somebody does who looks before they leap."""

import pytest
from playwright.sync_api import Page, expect

from ingest.models import Lead, Project
from tests.dashboard.build import make_lead, score, track

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def leads(project: Project) -> tuple[Lead, Lead]:
    ada, visitor = make_lead(project, name="Ada", email="ada@example.org"), make_lead(project, company="Engines")
    track(ada, "signup")
    track(visitor, "demo_request")
    score()
    return ada, visitor


def test_a_visitor_is_merged_after_a_look_at_both_and_separated_again(page: Page, leads: tuple[Lead, Lead]) -> None:
    ada, visitor = leads
    page.goto(f"/p/{ada.project_id}/leads/{visitor.pk}")
    page.get_by_role("link", name="Merge with…").click()
    expect(page.get_by_role("heading", name="Nobody chosen")).to_be_visible()

    page.get_by_label("Find by name, e-mail or company").fill("ada@")
    page.get_by_role("radio", name="Ada").check()
    expect(page.locator("#preview")).to_contain_text("Ada stays, because it has a user id or an address")
    page.get_by_role("button", name="Merge them").click()

    page.wait_for_url(f"**/leads/{ada.pk}")
    expect(page.get_by_role("status").first).to_contain_text(f"{visitor.label} is part of Ada now.")
    score()
    expect(page.locator("#lead-score")).to_have_text("70")
    expect(page.locator("#merged")).to_contain_text("by dana")

    page.goto(f"/p/{ada.project_id}/leads/{visitor.pk}")
    page.wait_for_url(f"**/leads/{ada.pk}")
    page.locator("#merged summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=f"Separate {visitor.label}")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("are separate again")
    expect(page.locator("#merged")).to_have_count(0)
    score()
    expect(page.locator("#lead-score")).to_have_text("20")


def test_the_confirmation_stays_open_while_the_page_keeps_itself_up_to_date(
    page: Page, leads: tuple[Lead, Lead]
) -> None:
    ada, visitor = leads
    page.goto(f"/p/{ada.project_id}/leads/{ada.pk}/merge?lead={visitor.pk}")
    page.get_by_role("button", name="Merge them").click()
    page.locator("#merged summary").click()
    score()

    expect(page.locator("#lead-score")).to_have_text("70")
    expect(page.get_by_role("button", name="Separate")).to_be_visible()


def test_suspects_are_gone_through_by_keyboard(page: Page, project: Project) -> None:
    for company in ("Engines Ltd", "engines"):
        make_lead(project, name="Ada", company=company)
    score()
    page.goto(f"/p/{project.pk}/leads")
    page.locator("#to-duplicates").click()

    page.get_by_role("link", name="Compare and merge…").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Not the same").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="No duplicates suspected")).to_be_visible()
