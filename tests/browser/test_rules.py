"""From a changed draft through its preview to a published version, as an editor does it."""

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import Page, expect

from ingest.models import Project, User
from scoring.models import LeadScore, Rule, Walk
from scoring.services import walks
from tests.dashboard.build import make_lead, score, track

pytestmark = pytest.mark.browser


def walk_through(project: Project, kind: str) -> None:
    walk = Walk.objects.filter(project=project, kind=kind).latest("id")
    for part in walk.parts.all():
        for _ in walks.steps(part.pk, any_cursor=True):
            pass


@pytest.fixture
def draft(project: Project, member: User) -> Project:
    member.user_permissions.add(Permission.objects.get(codename="change_scorecard"))
    for name in ("Ada", "Bob", "Cleo"):
        track(make_lead(project, name=name), "page_view")
    score()
    Rule.objects.filter(scorecard__project=project, name="Page view").update(points=25)
    return project


def test_a_draft_is_previewed_and_published(page: Page, draft: Project) -> None:
    page.goto(f"/p/{draft.pk}/rules")
    expect(page.get_by_text("5 → 25 points")).to_be_visible()
    page.get_by_label("Why, for the record").fill("Pages matter more")

    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("waiting for a worker")).to_be_visible()
    walk_through(draft, "preview")

    expect(page.get_by_role("heading", name="What publishing would do")).to_be_visible()
    page.locator(".matrix").get_by_role("link", name="3").click()
    expect(page.locator(".samples").get_by_role("link", name="Ada")).to_be_visible()
    expect(page.locator(".movers")).to_contain_text("Page view +5 → +25")
    # The note typed before is still there: what is live does not touch what is being written.
    expect(page.locator("#note-draft")).to_have_value("Pages matter more")

    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Version 2 is in force")).to_be_visible()
    walk_through(draft, "rescore")

    expect(page.locator("#rescore")).to_contain_text("3 of 3 leads")
    assert set(LeadScore.objects.filter(project=draft).values_list("score", flat=True)) == {25}
    page.locator("summary", has_text="Roll back").click()
    page.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_text("It says what version 1 said")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_its_window(page: Page, draft: Project, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"/p/{draft.pk}/rules")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("waiting for a worker")).to_be_visible()
    walk_through(draft, "preview")
    expect(page.get_by_role("heading", name="What publishing would do")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
