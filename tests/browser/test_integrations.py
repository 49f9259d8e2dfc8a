"""The integrations page hears of the first event while somebody looks at it."""

import pytest
from playwright.sync_api import Page, expect

from ingest.core.keys import KeyKind
from ingest.models import Project
from ingest.services.keys import issue_key
from tests.dashboard.build import make_lead, track

pytestmark = pytest.mark.browser


def test_the_first_event_appears_by_itself(page: Page, project: Project) -> None:
    issue_key(project.pk, KeyKind.WRITE)
    page.goto(f"/p/{project.pk}/integrations")
    expect(page.get_by_text("Waiting for your first event…")).to_be_visible()

    track(make_lead(project, name="Ada"), "page_view")

    expect(page.locator("#arrival")).to_contain_text("Received: page_view,")
    expect(page.locator("#arrival")).to_contain_text("s ago")
    expect(page.get_by_text("Connected")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_narrow_and_wide_windows(page: Page, project: Project, width: int) -> None:
    issue_key(project.pk, KeyKind.WRITE)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"/p/{project.pk}/integrations")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
